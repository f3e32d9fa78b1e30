/**
 * `node --import fullgraph/register script.js`: hosts a user's program. TypeScript is loaded through tsx, tfjs is
 * watched for, fullgraph's backend is installed once it is there, the trace is written, and at the end of the program
 * what it left behind is accounted for. Options come from FULLGRAPH_OPTIONS.
 */
import { createRequire } from 'node:module';
import { cacheCode } from './host/code-cache.ts';
import { cacheDirectoryOf, readHostOptions } from './host/options.ts';
import { isTypescript, loadTypescript } from './host/typescript.ts';
import { codeFolder, isSource, ownModule } from './own-files.ts';

const options = readHostOptions(process.env);
const script = process.argv[1];
if (isTypescript(script)) await loadTypescript(script);
if (options.disable !== true) {
  const directory = cacheDirectoryOf(options, process.env);
  if (directory !== undefined) cacheCode(directory);
  // Our own code is among what comes from the cache: the build writes it for `require`.
  const { hostProgram } = (
    isSource
      ? await import(ownModule('host/host-program').href)
      : createRequire(codeFolder)('./engine/host.js')
  ) as typeof import('./host/host-program.ts');
  hostProgram(options);
}
