/** From the words behind `fullgraph` to an exit code. The last catch: deliberate errors are one message and one remedy. */
import { EnvironmentError, FullgraphError, InternalError, UserError } from '../ir/errors.ts';
import type { Command, Context, ExitCode } from './command.ts';
import { commandNames, loadCommand, loadCommands } from './commands/index.ts';
import { readConfig } from './config.ts';
import { firstPositional, parseFlags } from './flags.ts';
import { print } from './output.ts';
import { closestWord } from './suggest.ts';

const internalExitCode = 70;

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof EnvironmentError) return 3;
  return error instanceof UserError ? 2 : internalExitCode;
}

async function printError(error: unknown, context: Context): Promise<void> {
  const { pageFor } = await import('./terminal.ts');
  const { ink } = pageFor(context, context.stderr);
  if (error instanceof FullgraphError && !(error instanceof InternalError)) {
    const hint = error.hint === undefined ? '' : `${ink.dim('  fix:')} ${error.hint}\n`;
    await print(context.stderr, `${ink.bad(`error ${error.code}:`)} ${error.message}\n${hint}`);
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  await print(
    context.stderr,
    `${ink.bad('error FG9001:')} this is a bug of fullgraph\n${text}\n${ink.dim('  fix:')} report it with this text and, if there is one, the trace (--trace-out).\n`,
  );
}

async function findCommand(name: string): Promise<Command> {
  const command = await loadCommand(name);
  if (command !== undefined) return command;
  const closest = closestWord(name, commandNames);
  throw new UserError(`there is no command ${name}`, {
    code: 'FG5010',
    hint:
      closest === undefined
        ? /[./\\]/.test(name)
          ? `Write \`fullgraph explain ${name}\` or \`fullgraph run ${name}\`.`
          : 'Run `fullgraph --help` for the list.'
        : `Did you mean ${closest}?`,
  });
}

/** Our words end at `--`, and at the script of commands that stop there: a `--help` behind it is the program's. */
function asksForHelp(words: readonly string[], command: Command): boolean {
  const end = command.stopsAtScript === true ? firstPositional(words, command.flags) : words.length;
  const own = words.slice(0, end);
  const separator = own.indexOf('--');
  return own
    .slice(0, separator < 0 ? own.length : separator)
    .some((word) => word === '--help' || word === '-h');
}

// What draws pages takes longer to load than a command like `run` needs.

async function printOverview(context: Context, version: string): Promise<void> {
  const [{ overview }, { pageFor }] = await Promise.all([import('./help.ts'), import('./terminal.ts')]);
  await print(context.stdout, overview(pageFor(context, context.stdout), await loadCommands(), version));
}

async function printHelp(context: Context, command: Command): Promise<void> {
  const [{ commandHelp }, { pageFor }] = await Promise.all([import('./help.ts'), import('./terminal.ts')]);
  await print(context.stdout, commandHelp(pageFor(context, context.stdout), command));
}

async function dispatch(argv: readonly string[], context: Context, version: string): Promise<ExitCode> {
  const [name, ...words] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const [topic] = words;
    await (topic === undefined
      ? printOverview(context, version)
      : printHelp(context, await findCommand(topic)));
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v' || name === 'version') {
    await print(context.stdout, `${version}\n`);
    return 0;
  }
  const command = await findCommand(name);
  if (asksForHelp(words, command)) {
    await printHelp(context, command);
    return 0;
  }
  const config = await readConfig(context.cwd, async () =>
    (await loadCommands()).flatMap((candidate) => Object.keys(candidate.flags)),
  );
  const parsed = parseFlags(words, command.flags, config, command.stopsAtScript === true);
  return command.run(parsed, context);
}

/** Never throws. */
export async function main(argv: readonly string[], context: Context, version: string): Promise<ExitCode> {
  try {
    return await dispatch(argv, context, version);
  } catch (error) {
    await printError(error, context);
    return exitCodeOf(error);
  }
}
