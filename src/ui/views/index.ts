/** The views, in the order of their tabs. */
import type { View } from '../define-view.ts';
import { breaksView } from './breaks-view.ts';
import { framesView } from './frames-view.ts';
import { graphsView } from './graphs-view.ts';
import { notesView } from './notes-view.ts';
import { recompilesView } from './recompiles-view.ts';
import { sourceView } from './source-view.ts';
import { summaryView } from './summary-view.ts';
import { textsView } from './texts-view.ts';
import { timelineView } from './timeline-view.ts';

/** 7 is the minifier's, whose view comes with its events. */
export const views: readonly View[] = [
  summaryView,
  breaksView,
  graphsView,
  recompilesView,
  timelineView,
  sourceView,
  textsView,
  framesView,
  notesView,
];
