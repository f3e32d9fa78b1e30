/**
 * Collects what instrumented expressions evaluate to. One implementation for both places it runs in: as a global of the child
 * process, and as source text inside a program that a command runs.
 */
import type { ObservedSite } from './messages.ts';

/** Function that instrumented code calls with a number and a value, and that returns the value. */
export const observerName = '__fullgraphObserve';

interface Collector {
  observe(id: number, value: unknown): unknown;
  sites(): ObservedSite[];
}

/** Self-contained: its source text is put into programs. Values are compared as JSON text. */
function createCollector(): Collector {
  const seen = new Map<number, { types: Set<string>; text: string | undefined }>();
  const typeOf = (value: unknown): string => {
    if (value === null) return 'null';
    return Array.isArray(value) ? 'array' : typeof value;
  };
  const textOf = (value: unknown): string | undefined => {
    if (value === undefined) return '{"special":"undefined"}';
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))) {
      return JSON.stringify({ special: Object.is(value, -0) ? '-0' : String(value) });
    }
    const isPlain = value === null || typeof value === 'number' || typeof value === 'boolean';
    return isPlain || (typeof value === 'string' && value.length < 200) ? JSON.stringify(value) : undefined;
  };
  return {
    observe: (id, value) => {
      const text = textOf(value);
      const site = seen.get(id);
      if (site === undefined) seen.set(id, { types: new Set([typeOf(value)]), text });
      else {
        site.types.add(typeOf(value));
        if (site.text !== text) site.text = undefined;
      }
      return value;
    },
    sites: () =>
      [...seen].map(([id, { types, text }]) => ({
        id,
        types: [...types],
        ...(text === undefined ? {} : { value: JSON.parse(text) as never }),
      })),
  };
}

/** Installs the observer as a global; the result gives what it saw. */
export function collectObservations(): () => ObservedSite[] {
  const collector = createCollector();
  Object.assign(globalThis, { [observerName]: collector.observe });
  return collector.sites;
}

/** Source of an observer for programs that a command runs with Node: writes what it saw to `report` at the end. */
export function observerSource(report: string): string {
  return `function ${observerName}(id, value) {
  let collector = globalThis.${observerName}Collector;
  if (collector === undefined) {
    const name = (target) => target;
    const __name = name;
    collector = globalThis.${observerName}Collector = (${createCollector.toString()})();
    process.on('exit', () => {
      process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(report)}, JSON.stringify(collector.sites()));
    });
  }
  return collector.observe(id, value);
}
`;
}
