import { breakReasons } from '../../ir/breaks/index.ts';
import { UserError } from '../../ir/errors.ts';
import { torchBreakReasons, torchBreakUrl } from '../../torch/index.ts';
import { defineCommand, type Command } from '../command.ts';
import { print } from '../output.ts';
import { pad, type Page } from '../reporters/page.ts';
import { renderReason, renderTorchReason } from '../reporters/reason.ts';
import { closestWord } from '../suggest.ts';
import { pageFor } from '../terminal.ts';

function listing(page: Page): string {
  const row = ({ id, title }: { readonly id: string; readonly title: string }): string =>
    `  ${page.ink.strong(pad(id, 6))}  ${title}`;
  return [
    page.ink.heading('TensorFlow.js programs'),
    ...breakReasons.map(row),
    '',
    page.ink.heading('PyTorch traces, the frequent ones'),
    ...torchBreakReasons.map(row),
    '',
  ].join('\n');
}

function pageOf(page: Page, word: string): string {
  const id = word.toUpperCase();
  const own = breakReasons.find((candidate) => candidate.id === id || candidate.slug === word);
  if (own !== undefined) return renderReason(page, own);
  const torch = torchBreakReasons.find((candidate) => candidate.id === id);
  if (torch !== undefined) return renderTorchReason(page, torch);
  const closest = closestWord(
    id,
    breakReasons.map((candidate) => candidate.id),
  );
  throw new UserError(`there is no break with the id ${word}`, {
    code: 'FG5018',
    hint: /^GB\d+$/.test(id)
      ? `If PyTorch has it, its page is ${torchBreakUrl(id)}; a report on the trace has the words of the log.`
      : closest === undefined
        ? 'Run `fullgraph why` for the list.'
        : `Did you mean ${closest}?`,
  });
}

/** `fullgraph why`. */
export const whyCommand: Command = defineCommand({
  name: 'why',
  summary: 'Explain a break id, with an example and its fix',
  usage: '[FG1003 | GB0170]',
  details: ['Without an id it lists all of TensorFlow.js programs and the frequent ones of PyTorch.'],
  flags: {},
  examples: [
    { command: 'fullgraph why FG1004', help: 'what "Read inside a loop" means and how to avoid it' },
    {
      command: 'fullgraph why GB0170',
      help: "PyTorch's data-dependent branching, and what to write instead",
    },
  ],
  async run({ positionals }, context) {
    const page = pageFor(context, context.stdout);
    const [word] = positionals;
    await print(context.stdout, word === undefined ? listing(page) : pageOf(page, word));
    return 0;
  },
});
