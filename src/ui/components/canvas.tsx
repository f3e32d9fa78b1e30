/**
 * A block of lines that is painted past ink. Ink measures, wraps, tokenizes and joins each character of each frame: 100 ms
 * for a screen of 200x50. The screen is a grid of finished lines, so it needs none of that: like a canvas in a page, this
 * component has a place in the tree, and draws itself after each commit.
 */
import { useLayoutEffect } from 'react';
import type { PaintedRow, Painter } from '../live/paint.ts';
import type { Line } from '../lines.ts';

export interface CanvasProps {
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
  readonly paint: Painter;
  /** Gets `height` rows, each of at most `width` columns. */
  onFrame(rows: readonly PaintedRow[]): void;
}

const blank: Line = [];

export function Canvas({ lines, width, height, paint, onFrame }: CanvasProps): null {
  useLayoutEffect(() => {
    onFrame(Array.from({ length: height }, (_, index) => paint(lines[index] ?? blank, width)));
  });
  return null;
}
