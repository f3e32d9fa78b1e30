/**
 * Where the program is: V8's stack, resolved to the program's own sources by a hook, interned so that records name a
 * stack by a number. Taking a stack costs tens of microseconds, so this exists only while explaining.
 */
import { pathToFileURL } from 'node:url';
import type { StackRecord } from '../ir/record.ts';
import type { CallFacts } from './source-facts.ts';
import { codeFolder } from '../own-files.ts';
import { Buckets } from './buckets.ts';
import { layerFrame } from './layer-scopes.ts';
import { formatSpan, userFrame, type StackFrame } from '../ir/span.ts';
import { mix, sameIntegers } from './type-table.ts';

/** A frame as V8 reports it. Lines and columns count from 1. */
export interface RawFrame {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly function: string;
}

/** Applies source maps and tells user code from libraries. Resolving and facts are pure functions of the position. */
export interface FrameResolver {
  resolve(raw: RawFrame): StackFrame;
  factsAt(frame: StackFrame): CallFacts;
}

/** An interned stack with what was found out about it. */
export interface TakenStack {
  readonly id: number;
  readonly frames: readonly StackFrame[];
  /** Facts on the call in the innermost frame of the program. */
  readonly facts: CallFacts;
  /** The public function that the program called: `dataSync`, `print`. */
  readonly api: string | undefined;
  /** Whether the text of any user frame has a loop around its call. */
  readonly isInLoop: boolean;
  /** Names of functions and layers around the call, outermost first. */
  readonly scope: readonly string[];
  /** The line of the program that it belongs to, whatever called it. */
  readonly site: number;
}

const frameLimit = 100;

/** Folder of fullgraph's own code, as V8 names files of modules and of scripts. */
const ownFolders = [pathToFileURL(codeFolder).href, codeFolder];

function isOwn(file: string): boolean {
  return ownFolders.some((folder) => file.startsWith(folder));
}

/** Whether a line of a printed stack is a frame of fullgraph's own. */
export function isOwnLine(line: string): boolean {
  return ownFolders.some((folder) => line.includes(folder));
}

/** Methods that the program reaches without a call in its text: the call at that place is another one. */
function isImplicit(method: string | undefined): boolean {
  return method === 'toString';
}

/** Functions of the program, outermost first. */
function functionNames(frames: readonly StackFrame[]): string[] {
  return frames
    .filter((frame) => frame.origin === 'user' && frame.function !== '')
    .map((frame) => frame.function)
    .toReversed();
}

/** V8's structured frames from here outwards; `Error` is left as it was. */
function callSites(): readonly NodeJS.CallSite[] {
  const { stackTraceLimit } = Error;
  const hook = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = frameLimit;
    Error.prepareStackTrace = (_error, sites) => sites;
    Error.captureStackTrace(holder, callSites);
    return Array.isArray(holder.stack) ? (holder.stack as NodeJS.CallSite[]) : [];
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    if (hook === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Object.defineProperty(Error, 'prepareStackTrace', hook);
  }
}

/** A file that code runs from. */
interface CodeFile {
  readonly id: number;
  /** Frames of Node itself say nothing; async parts of them vary. */
  readonly kind: 'runtime' | 'own' | 'program';
}

function kindOf(file: string): CodeFile['kind'] {
  if (file === '' || file.startsWith('node:')) return 'runtime';
  return isOwn(file) ? 'own' : 'program';
}

/** A stack under the numbers of its places. */
interface KnownStack {
  readonly hash: number;
  readonly places: Int32Array;
  readonly taken: TakenStack;
}

function rawFrame(site: NodeJS.CallSite): RawFrame {
  return {
    file: site.getFileName() ?? '',
    line: site.getLineNumber() ?? 0,
    column: site.getColumnNumber() ?? 0,
    function: site.getMethodName() ?? site.getFunctionName() ?? '',
  };
}

/** Interns stacks; each new one is recorded once, before the record that names it. */
export class StackTaker {
  readonly #resolver: FrameResolver;
  readonly #onStack: (record: StackRecord) => void;
  readonly #entry: () => TakenStack | undefined;
  readonly #layers: readonly string[];
  readonly #known = new Buckets<KnownStack>();
  readonly #files = new Map<string | null, CodeFile>();
  readonly #layerPaths = new Map<string, number>();
  /** Of the stack that is being taken: its entry and layers, then file and position of each frame. */
  readonly #places = new Int32Array(2 + 2 * frameLimit);
  readonly #byId: TakenStack[] = [];
  readonly #frames = new Map<string, StackFrame>();
  readonly #sites = new Map<string, number>();

  /**
   * @param entry where the program entered the code that is running, when the stack may not reach that far.
   * @param layers names of the layers that are being applied, outermost first; changes with time.
   */
  constructor(
    resolver: FrameResolver,
    onStack: (record: StackRecord) => void,
    entry: () => TakenStack | undefined = () => undefined,
    layers: readonly string[] = [],
  ) {
    this.#resolver = resolver;
    this.#onStack = onStack;
    this.#entry = entry;
    this.#layers = layers;
  }

  /** The stack of the caller, without fullgraph's own frames. */
  take(): TakenStack {
    const sites = callSites();
    const entry = this.#entry();
    // Nearly all stacks are known: what costs time to tell (lines, names) is asked for new ones only.
    const places = this.#placesOf(sites, entry);
    let hash = places.length;
    for (let index = 0; index < places.length; index++) hash = mix(hash, places[index]!);
    const known = this.#known.find(hash, (stack) => sameIntegers(stack.places, places));
    if (known !== undefined) return known.taken;
    const taken = this.#describeSites(sites, entry);
    this.#known.add({ hash, places: places.slice(), taken });
    this.#byId[taken.id] = taken;
    return taken;
  }

  #fileOf(site: NodeJS.CallSite): CodeFile {
    const name = site.getFileName();
    let file = this.#files.get(name);
    if (file === undefined) {
      file = { id: this.#files.size, kind: kindOf(name ?? '') };
      this.#files.set(name, file);
    }
    return file;
  }

  /** @returns numbers that tell stacks apart; they are overwritten by the next stack. */
  #placesOf(sites: readonly NodeJS.CallSite[], entry: TakenStack | undefined): Int32Array {
    const path = this.#layers.join('/');
    let layers = this.#layerPaths.get(path);
    if (layers === undefined) this.#layerPaths.set(path, (layers = this.#layerPaths.size));
    const places = this.#places;
    places[0] = entry?.id ?? -1;
    places[1] = layers;
    let length = 2;
    for (const site of sites) {
      const { id, kind } = this.#fileOf(site);
      if (kind !== 'program') continue;
      places[length++] = id;
      places[length++] = site.getPosition();
    }
    return places.subarray(0, length);
  }

  #describeSites(sites: readonly NodeJS.CallSite[], entry: TakenStack | undefined): TakenStack {
    const frames: StackFrame[] = [];
    /** How many frames each layer has inside of it, innermost layer first. */
    const layerDepths: number[] = [];
    for (const site of sites) {
      const { kind } = this.#fileOf(site);
      if (kind === 'program') frames.push(this.#resolve(rawFrame(site)));
      else if (kind === 'own' && site.getFunctionName() === layerFrame) layerDepths.push(frames.length);
    }
    const isWhole = entry === undefined || frames.some((frame) => frame.origin === 'user');
    const scope = this.#scope(frames, layerDepths);
    if (isWhole) return this.#describe(frames, scope);
    return this.#describe([...frames, ...entry.frames], [...functionNames(entry.frames), ...scope]);
  }

  find(id: number | undefined): TakenStack | undefined {
    return id === undefined ? undefined : this.#byId[id];
  }

  #resolve(raw: RawFrame): StackFrame {
    const key = `${raw.file}:${raw.line}:${raw.column}:${raw.function}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) this.#frames.set(key, (frame = this.#resolver.resolve(raw)));
    return frame;
  }

  /** Functions of the program with the layers between them; layers beyond the end of a cut stack stand outside. */
  #scope(frames: readonly StackFrame[], layerDepths: readonly number[]): string[] {
    const layers = [...this.#layers];
    const inner = frames.flatMap((frame, depth) => {
      const around = layerDepths.filter((each) => each === depth).flatMap(() => layers.pop() ?? []);
      return [...around, ...functionNames([frame])];
    });
    return [...layers, ...inner.toReversed()];
  }

  #describe(frames: readonly StackFrame[], scope: readonly string[]): TakenStack {
    const userIndex = frames.findIndex((frame) => frame.origin === 'user');
    const outsideIndex = frames.findIndex((frame) => frame.origin === 'user' || frame.origin === 'library');
    const userFrames = frames.filter((frame) => frame.origin === 'user');
    const allFacts = userFrames.map((frame) => this.#resolver.factsAt(frame));
    const facts = allFacts[0] ?? {};
    const entry = (outsideIndex > 0 ? frames[outsideIndex - 1]!.function : '') || undefined;
    const id = this.#byId.length;
    this.#onStack({ kind: 'stack', id, frames });
    return {
      id,
      frames,
      facts,
      api: userIndex === outsideIndex && !isImplicit(entry) ? (facts.callee ?? entry) : entry,
      isInLoop: allFacts.some((fact) => fact.loop !== undefined),
      scope,
      site: this.#site(userFrame(frames)),
    };
  }

  #site(frame: StackFrame | undefined): number {
    const key = frame === undefined ? '' : formatSpan(frame);
    let site = this.#sites.get(key);
    if (site === undefined) this.#sites.set(key, (site = this.#sites.size));
    return site;
  }
}
