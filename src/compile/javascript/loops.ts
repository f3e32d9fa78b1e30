/**
 * Elementwise loops as JavaScript text, so that V8 compiles a loop of its own for each expression; one loop with the
 * operation as a parameter would call it for every element. A text is an expression and how its operands are walked: few,
 * and shared by all graphs.
 */
import { rowMajorStrides } from '../../ir/tensor-type.ts';
import type { Closure, NumericArray, Operand } from './closure.ts';

/**
 * How an operand is walked: an element per element of the result, one for all, one per column, one per row; or a row or an
 * element per row that lies where a table says.
 */
type Walk = 'each' | 'one' | 'row' | 'column' | 'rowAt' | 'columnAt';

type Loop = (
  out: NumericArray,
  rows: number,
  columns: number,
  fromA: NumericArray,
  fromB: NumericArray,
  fromC: NumericArray,
  tables: readonly (Int32Array | undefined)[],
  p: number,
  q: number,
) => void;

/** The operands in an expression. */
const names = ['a', 'b', 'c'] as const;
const loops = new Map<string, Loop>();

/** What a loop is called with, in order. */
const parameters = ['out', 'rows', 'columns', 'fromA', 'fromB', 'fromC', 'tables', 'p', 'q'];

function textOf(expression: string, walks: readonly Walk[]): string {
  const read = (walk: Walk, position: (index: number) => string): string =>
    walks
      .map((each, index) => {
        const name = names[index]!;
        return each === walk ? `const ${name} = from${name.toUpperCase()}[${position(index)}];` : '';
      })
      .join(' ');
  const hasTable = (walk: Walk): boolean => walk === 'rowAt' || walk === 'columnAt';
  const tables = walks.map((walk, index) =>
    hasTable(walk) ? `const table${index} = tables[${index}];` : '',
  );
  const starts = walks.map((walk, index) =>
    hasTable(walk) ? `const start${index} = table${index}[r];` : '',
  );
  const at = (index: number): string => `start${index}`;
  return `${tables.join('')} ${read('one', () => '0')}
    for (let r = 0, i = 0; r < rows; r++) {
      ${starts.join('')} ${read('column', () => 'r')} ${read('columnAt', at)}
      for (let j = 0; j < columns; j++, i++) {
        ${read('each', () => 'i')} ${read('row', () => 'j')} ${read('rowAt', (index) => `${at(index)} + j`)}
        out[i] = ${expression};
      }
    }`;
}

/** @throws EvalError where the process forbids code from strings */
function loopOf(expression: string, walks: readonly Walk[]): Loop {
  const key = `${walks.join(' ')}: ${expression}`;
  let loop = loops.get(key);
  if (loop === undefined) {
    const text = textOf(expression, walks);
    // The texts are expressions of this folder, never of a program.
    // oxlint-disable-next-line typescript/no-implied-eval
    loop = new Function(...parameters, text) as Loop;
    loops.set(key, loop);
  }
  return loop;
}

/** Axes of the result without those of size 1, neighbours joined that every operand walks alike. */
interface Axes {
  readonly sizes: readonly number[];
  /** Per operand and axis: whether it has that axis. */
  readonly has: readonly (readonly boolean[])[];
}

function joinAxes(shape: readonly number[], operands: readonly Operand[]): Axes {
  const sizes: number[] = [];
  const has: boolean[][] = operands.map(() => []);
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue;
    const present = operands.map((operand) => {
      const own = axis - (shape.length - operand.shape.length);
      return own >= 0 && operand.shape[own] !== 1;
    });
    const isLike = sizes.length > 0 && present.every((each, index) => each === has[index]!.at(-1));
    if (isLike) sizes[sizes.length - 1]! *= size;
    else {
      sizes.push(size);
      for (const [index, each] of present.entries()) has[index]!.push(each);
    }
  }
  return { sizes, has };
}

/** For each row of the result (an element of all axes but the last), where the operand's begins. */
function rowStarts(sizes: readonly number[], has: readonly boolean[], rows: number): Int32Array {
  const own = sizes.map((length, axis) => (has[axis] ? length : 1));
  const strides = rowMajorStrides(own).map((stride, axis) => (has[axis] ? stride : 0));
  const table = new Int32Array(rows);
  const index = sizes.map(() => 0);
  let position = 0;
  for (let at = 0; at < rows; at++) {
    table[at] = position;
    for (let axis = sizes.length - 2; axis >= 0; axis--) {
      position += strides[axis]!;
      if (++index[axis]! < sizes[axis]!) break;
      position -= strides[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
  return table;
}

/** Rows beyond which an operand that broadcasts along the middle has no table. */
const tableLimit = 2 ** 14;

/**
 * `out = expression` with numpy's broadcasting, stored by the rules of the result's typed array, as tfjs's cpu kernels do.
 * @param expression of `a`, `b`, `c` (elements of the operands) and the numbers `p` and `q`
 */
export function elementwise(
  expression: string,
  operands: readonly Operand[],
  out: Operand,
  p = 0,
  q = 0,
): Closure | undefined {
  // Shapes are compared by size first: an operand as large as the result has its shape.
  if (operands.every(({ size }) => size === out.size || size === 1)) {
    const walks = operands.map(({ size }): Walk => (size === out.size ? 'each' : 'one'));
    return bind(loopOf(expression, walks), operands, out, { rows: 1, columns: out.size, tables: [], p, q });
  }
  const { sizes, has } = joinAxes(out.shape, operands);
  const columns = sizes.at(-1) ?? 1;
  const rows = out.size / columns;
  if (sizes.length > 2 && rows > tableLimit) return undefined;
  const tables: (Int32Array | undefined)[] = [];
  const walks = has.map((axes, index): Walk => {
    tables.push(undefined);
    const outer = axes.slice(0, -1);
    const isAlongRow = axes.at(-1) === true;
    if (!outer.some(Boolean)) return isAlongRow ? 'row' : 'one';
    if (outer.every(Boolean)) return isAlongRow ? 'each' : 'column';
    tables[index] = rowStarts(sizes, axes, rows);
    return isAlongRow ? 'rowAt' : 'columnAt';
  });
  return bind(loopOf(expression, walks), operands, out, { rows, columns, tables, p, q });
}

interface Extent {
  readonly rows: number;
  readonly columns: number;
  readonly tables: readonly (Int32Array | undefined)[];
  readonly p: number;
  readonly q: number;
}

function bind(loop: Loop, operands: readonly Operand[], out: Operand, extent: Extent): Closure {
  const { rows, columns, tables, p, q } = extent;
  const [first, second, third] = operands as readonly [Operand, Operand?, Operand?];
  const [a, b, c] = [first.register, second?.register ?? 0, third?.register ?? 0];
  const to = out.register;
  return (values) => {
    loop(values[to]!, rows, columns, values[a]!, values[b]!, values[c]!, tables, p, q);
  };
}
