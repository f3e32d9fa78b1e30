import { breakReasons } from '../../ir/breaks/index.ts';
import { UserError } from '../../ir/errors.ts';
import { defineCommand, type Command } from '../command.ts';
import { print } from '../output.ts';
import { renderReason } from '../reporters/reason.ts';
import { closestWord } from '../suggest.ts';
import { pageFor } from '../terminal.ts';
import { pad } from '../reporters/page.ts';

/** `fullgraph why`. */
export const whyCommand: Command = defineCommand({
  name: 'why',
  summary: 'Explain a break id, with an example and its fix',
  usage: '[FG1003]',
  details: ['Without an id it lists all.'],
  flags: {},
  examples: [
    { command: 'fullgraph why FG1004', help: 'what "Read inside a loop" means and how to avoid it' },
  ],
  async run({ positionals }, context) {
    const page = pageFor(context, context.stdout);
    const [word] = positionals;
    if (word === undefined) {
      const lines = breakReasons.map((reason) => `  ${page.ink.strong(pad(reason.id, 6))}  ${reason.title}`);
      await print(context.stdout, `${lines.join('\n')}\n`);
      return 0;
    }
    const id = word.toUpperCase();
    const reason = breakReasons.find((candidate) => candidate.id === id || candidate.slug === word);
    if (reason === undefined) {
      const closest = closestWord(
        id,
        breakReasons.map((candidate) => candidate.id),
      );
      const torch = /^GB\d+$/.test(id);
      throw new UserError(`there is no break with the id ${word}`, {
        code: 'FG5018',
        hint: torch
          ? `It is PyTorch's: see https://meta-pytorch.github.io/compile-graph-break-site/gb/${id.toLowerCase()}.html`
          : closest === undefined
            ? 'Run `fullgraph why` for the list.'
            : `Did you mean ${closest}?`,
      });
    }
    await print(context.stdout, renderReason(page, reason));
    return 0;
  },
});
