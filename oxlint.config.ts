import { defineConfig, type OxlintConfig, type OxlintOverride } from 'oxlint';

/** Which folders of `src` a folder may import from. The one place where the layers are written down. */
const layers: Record<string, readonly string[]> = {
  ir: [],
  onnx: ['ir'],
  torch: ['ir'],
  capture: ['ir'],
  host: ['ir', 'onnx', 'capture', 'compile', 'export', 'session'],
  compile: ['ir', 'onnx'],
  export: ['ir', 'onnx', 'compile'],
  explain: ['ir'],
  replay: ['ir'],
  minifier: ['ir', 'onnx'],
  ui: ['ir', 'explain', 'minifier'],
};
const allFolders: readonly string[] = [...Object.keys(layers), 'cli'];

const layerOverrides = Object.entries(layers).map(([folder, allowed]): OxlintOverride => {
  const forbidden = allFolders.filter((other) => other !== folder && !allowed.includes(other));
  return {
    files: [`src/${folder}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: [
                ...forbidden.map((other) => `**/../${other}/**`),
                ...(allowed.includes('session') ? [] : ['**/session.ts']),
              ],
              message: `Layers: src/${folder} may import from ${allowed.join(', ') || 'no other folder'} only.`,
            },
          ],
        },
      ],
    },
  };
});

const config: OxlintConfig = defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'oxc'],
  ignorePatterns: ['dist/**', 'fixtures/**', 'node_modules/**', '.out/**'],
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-non-null-assertion': 'off',
    'no-console': 'error',
    'unicorn/filename-case': ['error', { case: 'kebabCase' }],
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'no-await-in-loop': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    // Interfaces here describe records of closures in method syntax; nothing in them depends on `this`.
    'typescript/unbound-method': 'off',
    'typescript/no-unnecessary-type-parameters': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'import/no-named-as-default-member': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/prefer-add-event-listener': 'off',
    'unicorn/require-module-specifiers': 'off',
  },
  overrides: [
    ...layerOverrides,
    { files: ['*.config.ts'], rules: { 'import/no-default-export': 'off' } },
    { files: ['bench/**', 'scripts/**', 'src/cli/**', 'test/**'], rules: { 'no-console': 'off' } },
    {
      files: ['test/**', 'bench/**', 'scripts/**'],
      rules: {
        'max-lines': 'off',
        // tf.fill is not Array.fill.
        'unicorn/no-array-fill-with-reference-type': 'off',
      },
    },
  ],
});

export default config;
