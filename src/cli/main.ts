#!/usr/bin/env node
/** The `fullgraph` command: finds the command, runs it, turns errors into one message and an exit code. */
import { packageVersion } from '../own-files.ts';
import { main } from './dispatch.ts';

for (const stream of [process.stdout, process.stderr]) {
  // `| head` closes the pipe: what is left needs no reader. Other errors reach the one who wrote.
  stream.on('error', () => undefined);
}

process.exitCode = await main(
  process.argv.slice(2),
  {
    cwd: process.cwd(),
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  },
  packageVersion ?? 'unknown',
);
