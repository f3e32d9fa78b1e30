/** The views, in the order of their tabs. */
import type { View } from '../define-view.ts';
import { breaksView } from './breaks-view.ts';
import { graphsView } from './graphs-view.ts';
import { notesView } from './notes-view.ts';
import { recompilesView } from './recompiles-view.ts';
import { summaryView } from './summary-view.ts';

export const views: readonly View[] = [summaryView, breaksView, graphsView, recompilesView, notesView];
