/**
 * Roles → looks. Only the 16 colours that a terminal's own theme defines, so that the UI is readable on light and dark
 * backgrounds; without colour (NO_COLOR) weight and inversion carry the meaning.
 */
import type { Role } from './lines.ts';

/** Properties of ink's Text. */
export interface Look {
  readonly color?: string;
  readonly bold?: boolean;
  readonly dimColor?: boolean;
  readonly inverse?: boolean;
  readonly underline?: boolean;
}

export type Theme = Readonly<Record<Role, Look>>;

const colors: Theme = {
  text: {},
  muted: { dimColor: true },
  strong: { bold: true },
  accent: { color: 'cyan' },
  good: { color: 'green' },
  warning: { color: 'yellow' },
  bad: { color: 'red' },
  added: { color: 'green' },
  removed: { color: 'red' },
  code: {},
  selected: { inverse: true },
  match: { underline: true },
};

const plain: Theme = {
  text: {},
  muted: {},
  strong: { bold: true },
  accent: {},
  good: {},
  warning: { bold: true },
  bad: { bold: true },
  added: {},
  removed: {},
  code: {},
  selected: { inverse: true },
  match: { underline: true },
};

/** @param hasColor false under NO_COLOR and on terminals without colours. */
export function themeFor(hasColor: boolean): Theme {
  return hasColor ? colors : plain;
}
