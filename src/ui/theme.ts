/**
 * Roles → looks. With 16 colours those that the terminal's own theme defines; with more, colours of a luminance near
 * 0.18, which is where the contrast to white and to black is equal (about 4.6 to 1): readable on light and dark without
 * asking the terminal which it is. Without colour (NO_COLOR) weight, underline and inversion carry the meaning.
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

/** How many colours a terminal has: none, 16, 256, 16 million. */
export type ColorLevel = 0 | 1 | 2 | 3;

type Palette = Readonly<Record<'accent' | 'good' | 'warning' | 'bad', string>> & { readonly muted: Look };

const sixteen: Palette = {
  accent: 'cyan',
  good: 'green',
  warning: 'yellow',
  bad: 'red',
  muted: { dimColor: true },
};

/** All in the 256-colour cube, so that truecolor and 256 look the same. */
export const manyColors: Palette = {
  accent: '#0087af',
  good: '#008700',
  warning: '#af5f00',
  bad: '#d7005f',
  muted: { color: '#767676' },
};

/** Brightness of the six steps of a channel in the 256-colour cube. */
const cubeSteps: readonly number[] = [0, 95, 135, 175, 215, 255];

/**
 * The colour that chalk turns into this one of the cube. It takes the six steps to be equal, which they are not: asked for
 * `#0087af` it would give `#00afaf`, which cannot be read on white.
 */
function forCube(color: string): string {
  const steps = [1, 3, 5].map((at) => cubeSteps.indexOf(Number.parseInt(color.slice(at, at + 2), 16)));
  return `#${steps.map((step) => (step * 51).toString(16).padStart(2, '0')).join('')}`;
}

const cube: Palette = {
  accent: forCube(manyColors.accent),
  good: forCube(manyColors.good),
  warning: forCube(manyColors.warning),
  bad: forCube(manyColors.bad),
  muted: manyColors.muted,
};

function colored(palette: Palette): Theme {
  return {
    text: {},
    muted: palette.muted,
    strong: { bold: true },
    accent: { color: palette.accent },
    good: { color: palette.good },
    warning: { color: palette.warning },
    bad: { color: palette.bad },
    added: { color: palette.good },
    removed: { color: palette.bad },
    code: {},
    changed: { color: palette.warning, bold: true, inverse: true },
    selected: { inverse: true },
    match: { color: palette.accent, bold: true, underline: true },
  };
}

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
  changed: { inverse: true },
  selected: { inverse: true },
  match: { underline: true },
};

/** @param level `false` or 0 under NO_COLOR and on terminals without colours; `true`: 16 colours at least. */
export function themeFor(level: boolean | ColorLevel): Theme {
  const colors = Number(level);
  if (colors === 0) return plain;
  return colored(colors === 1 ? sixteen : colors === 2 ? cube : manyColors);
}
