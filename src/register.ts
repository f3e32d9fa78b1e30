/**
 * `node --import fullgraph/register script.js`: hosts a user's program. TypeScript is loaded through tsx, tfjs is
 * watched for, fullgraph's backend is installed once it is there, the trace is written, and at the end of the program
 * what it left behind is accounted for. Options come from FULLGRAPH_OPTIONS.
 */
import { hostProgram } from './host/host-program.ts';
import { readHostOptions } from './host/options.ts';

await hostProgram(readHostOptions(process.env));
