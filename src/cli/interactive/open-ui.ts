/** The terminal UI on whatever a command shows: loads it, carries out its effects, says how it ended. */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { openPath } from '../../explain/paths.ts';
import type { Report } from '../../explain/report.ts';
import type { MountedUi, MountOptions, OuterEffect, UiEnd } from '../../ui/mount.tsx';
import type { Context, ExitCode } from '../command.ts';
import { colorLevel } from '../terminal.ts';
import { openEditor } from './editor.ts';

/** Effects beside the editor. */
export type OtherEffect = Exclude<OuterEffect, { readonly kind: 'open-editor' }>;

export interface UiRequest extends Pick<MountOptions, 'report' | 'views' | 'status' | 'loadText'> {
  onEffect(effect: OtherEffect): Promise<string | undefined>;
}

/** Whether there is a terminal on both ends: a pipe never gets an escape code. */
export function isInteractive(context: Context): boolean {
  return context.stdout.isTTY === true && process.stdin.isTTY && context.env['TERM'] !== 'dumb';
}

/**
 * Loads the UI's code; called early, it is there when the trace is.
 * React decides by NODE_ENV, at its import, whether it collects data for its own developers: slower, and a leak for us.
 * Programs that we start must not see the change.
 */
export async function loadMount(): Promise<typeof import('../../ui/mount.tsx')> {
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    return await import('../../ui/mount.tsx');
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}

/** Opens the UI; the caller has checked {@link isInteractive}. */
export async function openUi(request: UiRequest, context: Context): Promise<MountedUi> {
  const { mount } = await loadMount();
  let report: Report = request.report;
  const ui = mount({
    ...request,
    colors: colorLevel(context, context.stdout),
    stdout: process.stdout,
    stdin: process.stdin,
    onEffect(effect) {
      if (effect.kind !== 'open-editor') return request.onEffect(effect);
      const file = resolve(context.cwd, openPath(report.program.cwd, effect.file));
      return openEditor(file, effect.line, context.env);
    },
  });
  return {
    ...ui,
    update(change) {
      report = change.report ?? report;
      ui.update(change);
    },
  };
}

/** As shells say it: 128 plus the signal's number. */
export function exitCodeOfEnd({ signal }: UiEnd): ExitCode {
  return signal === undefined ? 0 : 128 + constants.signals[signal];
}
