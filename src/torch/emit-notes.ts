/** What a reader of the report must know besides: damage, doubts, unknown kinds, specialised dims, links. */
import type { NoteRecord } from '../ir/record.ts';
import type { TorchProcess, TorchTrace } from './model.ts';
import type { ScanCounts } from './record-scanner.ts';
import type { EmitScope } from './emit-compilation.ts';

type Severity = NoteRecord['severity'];

function counted(severity: Severity, code: string, count: number, text: string): NoteRecord[] {
  return count === 0 ? [] : [{ kind: 'note', severity, code, text, count }];
}

function damageNotes(path: string, counts: ScanCounts, damage: string | undefined): NoteRecord[] {
  return [
    ...counted(
      'warning',
      'torch-bad-line',
      counts.badHeaders,
      `lines of ${path} are no records and were skipped`,
    ),
    ...counted(
      'warning',
      'torch-bad-json',
      counts.badJson,
      `records of ${path} have a damaged header and were skipped`,
    ),
    ...counted(
      'warning',
      'torch-md5',
      counts.md5Failures,
      `texts of ${path} do not match their md5; they are shown as they are`,
    ),
    ...counted(
      'info',
      'torch-md5-unchecked',
      counts.md5Unchecked,
      `texts of ${path} were not checked: this Node has no md5`,
    ),
    ...counted(
      'warning',
      'torch-oversized',
      counts.oversized,
      `lines or texts of ${path} are longer than 128 MiB and were cut`,
    ),
    ...counted(
      'warning',
      'torch-truncated',
      counts.isTruncated ? 1 : 0,
      `${path} ends in a damaged record: the program crashed, is still running, or the log was cut`,
    ),
    ...(damage === undefined
      ? []
      : [
          {
            kind: 'note',
            severity: 'error',
            code: 'torch-unreadable',
            text: `${path} could be read only in part: ${damage}`,
          } as const,
        ]),
  ];
}

function doubtNotes(process: TorchProcess): NoteRecord[] {
  const { counts } = process;
  const path = process.file.path;
  const extra = [...counts.extraKeys].map(([key, count]): NoteRecord => ({
    kind: 'note',
    severity: 'info',
    code: 'torch-unknown-field',
    text: `records of ${path} have the unknown field \`${key}\``,
    count,
  }));
  return [
    ...counted(
      'warning',
      'torch-other-rank',
      counts.otherRank,
      `records of ${path} are of another rank than its first; they are shown as that rank`,
    ),
    ...counted('warning', 'torch-no-kind', counts.withoutKind, `records of ${path} do not say what they are`),
    ...counted(
      'warning',
      'torch-bad-payload',
      counts.badPayloads,
      `records of ${path} have a text that should be JSON and is not`,
    ),
    ...counted(
      'info',
      'torch-unpaired-event',
      counts.unpairedEvents,
      `timeline events of ${path} lack their begin or end`,
    ),
    ...counted(
      'info',
      'torch-unjoined-input',
      counts.unjoinedInputs,
      `inputs in ${path} are named but not described`,
    ),
    ...counted(
      'warning',
      'torch-dropped-text',
      counts.droppedTexts,
      `texts of ${path} were not kept: the stream cannot be read twice. Pass the plain file to see them`,
    ),
    ...extra,
    ...process.unknownKinds.map(({ kind, count, sample }): NoteRecord => ({
      kind: 'note',
      severity: 'info',
      code: 'torch-unknown-kind',
      text: `records of the unknown kind \`${kind}\` (first: ${sample})`,
      count,
    })),
  ];
}

function specializationNotes(scope: EmitScope): NoteRecord[] {
  return scope.process.compilations.flatMap((compile) =>
    compile.specializations.map((item): NoteRecord => {
      const stack = scope.stacks.id(item.frames);
      const what = item.sources.length > 0 ? item.sources.join(', ') : item.symbol;
      return {
        kind: 'note',
        severity: 'warning',
        code: 'torch-specialized',
        text: `${what} was dynamic and became the constant ${item.value} in [${scope.prefix}${compile.key}] (${item.reason}): the code demands this size`,
        ...(stack === undefined ? {} : { stack }),
      };
    }),
  );
}

function exportNotes(scope: EmitScope): NoteRecord[] {
  return scope.process.exportIssues.map(({ title, detail, frames }): NoteRecord => {
    const stack = scope.stacks.id(frames);
    return {
      kind: 'note',
      severity: 'warning',
      code: 'torch-export-issue',
      text: `draft export: ${title}: ${detail}`,
      ...(stack === undefined ? {} : { stack }),
    };
  });
}

function compilationNotes(scope: EmitScope): NoteRecord[] {
  return scope.process.compilations.flatMap((compile): NoteRecord[] => {
    const id = `[${scope.prefix}${compile.key}]`;
    const skip = compile.metrics?.cudagraphSkipReason ?? compile.runtime?.cudagraphSkipReason;
    const own = compile.restarts.filter((restart) => restart.cause === undefined);
    return [
      ...(skip === undefined
        ? []
        : [
            {
              kind: 'note',
              severity: 'warning',
              code: 'torch-cudagraph-skip',
              text: `${id} ran without CUDA graphs: ${skip}`,
            } as const,
          ]),
      ...own.map(({ reason }): NoteRecord => {
        const words = reason.trim() === '' ? 'torch gives no reason' : reason.split('\n', 1)[0]!;
        return {
          kind: 'note',
          severity: 'info',
          code: 'torch-restart',
          text: `tracing of ${id} began again, not for a graph break: ${words}`,
        };
      }),
      ...(compile.metrics?.nonCompliantOps ?? []).map((op): NoteRecord => ({
        kind: 'note',
        severity: 'warning',
        code: 'torch-custom-op',
        text: `custom op ${op} does not keep the rules for compiled code (in ${id})`,
      })),
    ];
  });
}

/** Notes on a whole trace: what was damaged, and how breaks are known. */
export function traceNotes(trace: TorchTrace): NoteRecord[] {
  const old: NoteRecord = {
    kind: 'note',
    severity: 'warning',
    code: 'torch-old-log',
    text: 'this torch version logs restarts, but no graph breaks: breaks are taken from the restarts, their lines from the functions that resume after them',
  };
  return [
    ...trace.files.flatMap(({ file, counts, damage }) => damageNotes(file.path, counts, damage)),
    ...(trace.breaksFromRestarts ? [old] : []),
  ];
}

/** Notes on one process. Stacks they use are left in the scope's table. */
export function processNotes(scope: EmitScope): NoteRecord[] {
  const links = scope.process.links.map(({ name, url, owner }): NoteRecord => ({
    kind: 'note',
    severity: 'info',
    code: 'torch-link',
    text: `${owner === '' ? '' : `[${scope.prefix}${owner}] `}${name}: ${url}`,
  }));
  return [
    ...doubtNotes(scope.process),
    ...compilationNotes(scope),
    ...specializationNotes(scope),
    ...exportNotes(scope),
    ...links,
  ];
}
