/** A UI with a view that throws once it is opened: `draw` while its lines are made for the screen, `key` while a key is handled. */
import { buildReport } from '../../../src/explain/report-builder.ts';
import { defineView, listOf } from '../../../src/ui/define-view.ts';
import { line } from '../../../src/ui/lines.ts';
import { mount } from '../../../src/ui/mount.tsx';

const when = process.argv[2];
const calm = defineView({
  id: 'calm',
  title: 'Calm',
  key: '1',
  list: () =>
    listOf(
      [],
      () => ({ key: '' }),
      () => [],
    ),
});
const broken = defineView({
  id: 'broken',
  title: 'Broken',
  key: '2',
  list() {
    if (when === 'key') throw new Error('the view is broken');
    return listOf(
      ['row'],
      (key) => ({ key }),
      () => {
        throw new Error('the view is broken');
      },
    );
  },
  head: () => [line('head')],
});

const ui = mount({
  report: buildReport([]),
  views: [calm, broken],
  status: 'ready',
  colors: 3,
  stdout: process.stdout,
  stdin: process.stdin,
  onEffect: () => Promise.resolve(undefined),
});
if (when === 'outside')
  setTimeout(() => {
    throw new Error('the view is broken');
  }, 500);
try {
  await ui.done;
} catch (error) {
  process.stderr.write(`failed: ${(error as Error).message}\n`);
  process.exitCode = 70;
}
