/** Every command, in the order of the overview. */
import type { Command } from '../command.ts';
import { backendsCommand } from './backends.ts';
import { diffCommand } from './diff.ts';
import { doctorCommand } from './doctor.ts';
import { explainCommand } from './explain.ts';
import { exportCommand } from './export.ts';
import { inspectCommand } from './inspect.ts';
import { minifyCommand } from './minify.ts';
import { runCommand } from './run.ts';
import { whyCommand } from './why.ts';

export const commands: readonly Command[] = [
  runCommand,
  explainCommand,
  inspectCommand,
  minifyCommand,
  exportCommand,
  diffCommand,
  whyCommand,
  backendsCommand,
  doctorCommand,
];
