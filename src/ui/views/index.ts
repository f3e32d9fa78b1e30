/** The views, in the order of their tabs. */
import type { View } from '../define-view.ts';
import { breaksView } from './breaks-view.ts';

export const views: readonly View[] = [breaksView];
