/**
 * The UI with everything that may run beside it: a program whose trace grows, a search of the minifier, an export. Keeps
 * what they last said and shows it, at most a few times a second.
 */
import { readFile, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { openPath } from '../../explain/paths.ts';
import type { Report } from '../../explain/report.ts';
import { loadText } from '../../torch/index.ts';
import type { View } from '../../ui/define-view.ts';
import type { OutputFold } from '../../ui/live/output-model.ts';
import { createOutputView } from '../../ui/live/output-view.ts';
import type { UiEnd } from '../../ui/mount.tsx';
import { sourceLanguage } from '../../ui/ui-model.ts';
import { views as reportViews } from '../../ui/views/index.ts';
import { createMinifyView } from '../../ui/views/minify-view.ts';
import type { Context } from '../command.ts';
import { drawnForModel, drawnForTrace } from './drawn-values.ts';
import { startSearch, type MinifySearch, type SearchRequest } from './minify-search.ts';
import { openUi, type OtherEffect } from './open-ui.ts';
import { complaintOf, runOwnCommand } from './own-command.ts';

export interface WorkbenchOptions {
  readonly report: Report;
  readonly status: string;
  /** Our trace behind the report: what `m` and `e` work on. */
  readonly trace?: string;
  /** The model behind the report: what `m` works on. */
  readonly model?: string;
  /** Views of the report; all when absent. */
  readonly views?: readonly View[];
  /** What the program prints. */
  readonly output?: OutputFold;
  /** The words of a search to begin with; the UI shows nothing else then. */
  readonly search?: SearchRequest;
}

export interface Workbench {
  show(report: Report | undefined, status: string): void;
  /** Something that is shown has changed. */
  touch(): void;
  search(): MinifySearch | undefined;
  readonly done: Promise<UiEnd>;
}

/** Time between two updates of the screen that no key asked for. */
const updateMs = 100;

/** Digits in the order of the keyboard: 0 stands behind 9. */
function byKey(left: View, right: View): number {
  return ((Number(left.key) + 9) % 10) - ((Number(right.key) + 9) % 10);
}

/** Larger files are no source that somebody wrote. */
const sourceLimitBytes = 4_000_000;

/** A file of the program, where this machine has it; the UI checks that it is the one that ran. */
async function readSource(file: string): Promise<string | undefined> {
  try {
    const { size } = await stat(file);
    return size > sourceLimitBytes ? undefined : await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** A path as short as it can be from here. */
function nameOf(path: string, context: Context): string {
  const name = relative(context.cwd, path);
  return name.startsWith('..') ? path : name;
}

/** Opens the UI; the caller has checked that there is a terminal. */
export async function openWorkbench(options: WorkbenchOptions, context: Context): Promise<Workbench> {
  const { trace, output } = options;
  let { report, status } = options;
  let search: MinifySearch | undefined;
  let timer: NodeJS.Timeout | undefined;

  function views(): readonly View[] {
    return [
      ...(options.search === undefined ? (options.views ?? reportViews) : []),
      ...(search === undefined ? [] : [createMinifyView(search.model())]),
      ...(output === undefined ? [] : [createOutputView(output.model())]),
    ].sort(byKey);
  }

  function touch(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      ui.update({ report, status, views: views() });
    }, updateMs);
  }

  function begin(request: SearchRequest): void {
    search = startSearch(request, context, touch);
  }

  /** @returns what to say about it. */
  function minify(graph: string): string {
    const { model } = options;
    if (model === undefined && trace === undefined)
      return 'only graphs of fullgraph’s own traces can be minified';
    if (search?.isRunning() === true) return 'a search is running: S stops it';
    const name = model === undefined ? graph : nameOf(model, context);
    begin(
      model === undefined
        ? { input: graph, words: [trace!, '--graph', graph], values: drawnForTrace }
        : { input: name, words: [name], values: drawnForModel() },
    );
    // At once: the message names the view's key.
    ui.update({ views: views() });
    return `minifying ${name}: 7 shows it`;
  }

  async function exportGraph(graph: string, from: string): Promise<string> {
    const file = `${graph.replaceAll(/[^\w.-]+/g, '_')}.onnx`;
    const words = ['export', from, '--graph', graph, '--output', resolve(context.cwd, file), '--json'];
    const { exitCode, stderr } = await runOwnCommand(words, context);
    return exitCode === 0 ? `wrote ${file}` : complaintOf(stderr) || `export ended with ${exitCode}`;
  }

  /** @returns what to say about it. */
  async function carryOut(effect: OtherEffect): Promise<string | undefined> {
    switch (effect.kind) {
      case 'export':
        if (options.model !== undefined) return `${nameOf(options.model, context)} is a model already`;
        if (trace === undefined) return 'only graphs of fullgraph’s own traces can be exported';
        ui.say(`exporting ${effect.graph}`);
        return exportGraph(effect.graph, trace);
      case 'minify':
        return minify(effect.graph);
      case 'pause':
        search?.togglePause();
        return search === undefined ? 'nothing is being minified' : undefined;
      case 'stop':
        search?.stop();
        return search === undefined ? 'nothing is being minified' : undefined;
      default:
        return effect satisfies never;
    }
  }

  if (options.search !== undefined) begin(options.search);
  const ui = await openUi(
    {
      report,
      status,
      views: views(),
      loadText: (artifact) =>
        artifact.language === sourceLanguage
          ? readSource(resolve(context.cwd, openPath(report.program.cwd, artifact.owner)))
          : loadText({ kind: 'artifact', ...artifact }),
      onEffect: carryOut,
    },
    context,
  );
  return {
    show(next, text) {
      report = next ?? report;
      status = text;
      touch();
    },
    touch,
    search: () => search,
    done: ui.done.finally(() => clearTimeout(timer)),
  };
}
