/** Answers to imports of tfjs-node, where Node asks at once. */
import { expect, test } from 'vitest';
import { resolve, resolveNow, type ResolveContext, type Resolved } from '../../src/host/module-hooks.ts';

const context = { parentURL: 'file:///project/train.mjs', conditions: ['node', 'import'] };
const installed = 'file:///project/node_modules/@tensorflow/tfjs/dist/tf.node.js';

/** Node's own resolution, where the program or we have tfjs. */
const nodeWith =
  (...parents: readonly string[]) =>
  (specifier: string, { parentURL = '' }: ResolveContext): Resolved => {
    if (!parents.some((parent) => parentURL.includes(parent))) throw new Error(`no ${specifier}`);
    return { url: specifier === '@tensorflow/tfjs' ? installed : `file:///${specifier}` };
  };

function textOf({ url }: Resolved): string {
  return decodeURIComponent(url.replace('data:text/javascript,', ''));
}

test('an import of tfjs-node is a module made of the program’s tfjs and of the stand-in', () => {
  const resolved = resolveNow('@tensorflow/tfjs-node-gpu', context, nodeWith('project'));
  expect(resolved).toMatchObject({ format: 'module', shortCircuit: true });
  expect(textOf(resolved)).toBe(
    [
      `import { createRequire } from 'node:module';`,
      `export * from "${installed}";`,
      `const standIn = createRequire("${context.parentURL}")("@tensorflow/tfjs-node-gpu");`,
      `export const { io, node, version } = standIn;`,
      `export default standIn;`,
    ].join('\n'),
  );
});

test('a program without tfjs gets ours', () => {
  expect(textOf(resolveNow('@tensorflow/tfjs-node', context, nodeWith('module-hooks')))).toContain(installed);
});

test('where there is none, the message says what to install', () => {
  expect(() => resolveNow('@tensorflow/tfjs-node', context, nodeWith())).toThrow(
    'npm install @tensorflow/tfjs',
  );
});

test.each([
  ['another package', 'some-package', context],
  ['require', '@tensorflow/tfjs-node', { ...context, conditions: ['node', 'require'] }],
])('%s is left to Node', (_, specifier, asked) => {
  expect(resolveNow(specifier, asked, nodeWith('project'))).toEqual({ url: `file:///${specifier}` });
});

test.each(['@tensorflow/tfjs-node', 'some-package'])(
  'the thread answers the same for %s',
  async (specifier) => {
    const later = async (name: string, asked: ResolveContext): Promise<Resolved> =>
      nodeWith('project')(name, asked);
    expect(await resolve(specifier, context, later)).toEqual(
      resolveNow(specifier, context, nodeWith('project')),
    );
  },
);
