/**
 * What a program needs to run well here, looked at one by one: each finding has what was found and, when something is
 * wrong, the one thing to do about it.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, freemem } from 'node:os';
import { dirname, join } from 'node:path';
import { formatBytes, formatPlural } from '../explain/units.ts';
import { defaultCacheDirectory } from '../host/options.ts';
import { FullgraphError } from '../ir/errors.ts';
import { codeFolder, packageVersion } from '../own-files.ts';
import type { Context } from './command.ts';
import { plainReason, probeDevices } from './probe-devices.ts';

export interface Finding {
  readonly name: string;
  /** `off`: an option that this machine does not have; `bad`: fullgraph cannot work as it is. */
  readonly status: 'good' | 'off' | 'warning' | 'bad';
  readonly text: string;
  readonly remedy?: string;
}

interface PackageFile {
  readonly version: string;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const here = createRequire(import.meta.url);

function packageOf(
  name: string,
  from: NodeJS.Require,
): { readonly folder: string; readonly file: PackageFile } | undefined {
  for (const folder of from.resolve.paths(name) ?? []) {
    const path = join(folder, name, 'package.json');
    if (existsSync(path)) {
      return { folder: dirname(path), file: JSON.parse(readFileSync(path, 'utf8')) as PackageFile };
    }
  }
  return undefined;
}

/** `>=20.19` is all that we ask. */
function nodeFinding(): Finding {
  const { engines } = JSON.parse(readFileSync(join(codeFolder, '../package.json'), 'utf8')) as PackageFile;
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(engines?.node ?? '') ?? []).slice(1).map(Number);
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  const isNew = ownMajor > major || (ownMajor === major && ownMinor >= minor);
  const text = `${process.versions.node} on ${process.platform}-${process.arch}`;
  return isNew
    ? { name: 'Node', status: 'good', text }
    : { name: 'Node', status: 'bad', text, remedy: `Install Node ${major}.${minor} or later.` };
}

function tfjsFindings(cwd: string): Finding[] {
  const project = createRequire(join(cwd, 'program.js'));
  const core = packageOf('@tensorflow/tfjs-core', project) ?? packageOf('@tensorflow/tfjs', project);
  const umbrella = packageOf('@tensorflow/tfjs', project);
  const findings: Finding[] = [];
  if (core === undefined) {
    findings.push({
      name: 'TensorFlow.js',
      status: 'warning',
      text: `none found from ${cwd}`,
      remedy: 'Run this in the folder of your program, or install it there: npm install @tensorflow/tfjs',
    });
  } else {
    const { version } = core.file;
    const isKnown = /^[34]\./.test(version);
    findings.push({
      name: 'TensorFlow.js',
      status: isKnown ? 'good' : 'warning',
      text: `${version} in ${(umbrella ?? core).folder}`,
      ...(isKnown ? {} : { remedy: 'Versions 4 and 3 are tested: npm install @tensorflow/tfjs@4' }),
    });
  }
  const native = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'].filter(
    (name) => packageOf(name, project) !== undefined,
  );
  if (native.length > 0) {
    findings.push({
      name: 'tfjs-node',
      status: 'good',
      text: `${native.join(', ')} is installed; under fullgraph a stand-in takes its place`,
    });
  }
  return findings;
}

async function runtimeFindings(context: Context): Promise<Finding[]> {
  const runtime = packageOf('onnxruntime-node', here);
  if (runtime === undefined) {
    return [{ name: 'onnxruntime', status: 'bad', text: 'not installed', remedy: 'Run npm install again.' }];
  }
  const { version } = runtime.file;
  let devices: Awaited<ReturnType<typeof probeDevices>>;
  try {
    devices = await probeDevices(context);
  } catch (cause) {
    const remedy =
      (cause instanceof FullgraphError ? cause.hint : undefined) ??
      'Run npm install again; Alpine Linux (musl) is not supported by onnxruntime-node.';
    return [
      {
        name: 'onnxruntime',
        status: 'bad',
        text: `${version} does not load: ${(cause as Error).message}`,
        remedy,
      },
    ];
  }
  return [
    { name: 'onnxruntime', status: 'good', text: `${version} in ${runtime.folder}` },
    ...devices.map((status): Finding => {
      const { device, isUsable, hint } = status;
      const name = `device ${device}`;
      if (isUsable) return { name, status: 'good', text: 'computes' };
      return {
        name,
        status: device === 'cpu' ? 'bad' : 'off',
        text: plainReason(status),
        ...(hint === undefined ? {} : { remedy: hint }),
      };
    }),
  ];
}

async function typescriptFinding(): Promise<Finding> {
  const name = 'TypeScript';
  try {
    const { transform, version } = await import('esbuild');
    await transform('const a: number = 1;', { loader: 'ts' });
    await import('tsx/esm/api');
    const loader = packageOf('tsx', here)?.file.version ?? '';
    return { name, status: 'good', text: `programs are loaded by tsx ${loader} with esbuild ${version}` };
  } catch (cause) {
    return {
      name,
      status: 'warning',
      text: `its loader does not work: ${(cause as Error).message.split('\n')[0]!}`,
      remedy: 'Run npm install again, with optional dependencies. JavaScript programs work without it.',
    };
  }
}

function sizeOf(folder: string): { readonly files: number; readonly sizeBytes: number } {
  let files = 0;
  let sizeBytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files += 1;
    sizeBytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return { files, sizeBytes };
}

function cacheFinding(context: Context): Finding {
  const name = 'disk cache';
  const folder = defaultCacheDirectory(context.env);
  const remedy = 'Set XDG_CACHE_HOME or --cache-dir to a writable folder, or use --no-cache.';
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK);
    if (!statSync(existing).isDirectory()) throw new Error(`${existing} is no folder`);
    if (existing !== folder) return { name, status: 'good', text: `${folder}, empty so far` };
    const { files, sizeBytes } = sizeOf(folder);
    return {
      name,
      status: 'good',
      text: `${folder}, ${formatPlural(files, 'file')}, ${formatBytes(sizeBytes)}`,
    };
  } catch (cause) {
    return { name, status: 'warning', text: `${folder} is not usable: ${(cause as Error).message}`, remedy };
  }
}

function terminalFinding(context: Context): Finding {
  const { stdin, stdout } = context;
  const isInteractive = stdout.isTTY === true && 'isTTY' in stdin && stdin.isTTY === true;
  return {
    name: 'terminal',
    status: isInteractive ? 'good' : 'off',
    text: isInteractive
      ? `${stdout.columns ?? '?'} columns: \`fullgraph inspect\` is interactive`
      : 'none here: `fullgraph inspect` prints text',
  };
}

/** All findings, in the order of what depends on what. */
export async function diagnose(context: Context): Promise<readonly Finding[]> {
  return [
    { name: 'fullgraph', status: 'good', text: packageVersion ?? 'unknown' },
    nodeFinding(),
    {
      name: 'machine',
      status: 'good',
      text: `${formatPlural(availableParallelism(), 'core')}, ${formatBytes(freemem())} of memory free`,
    },
    ...tfjsFindings(context.cwd),
    ...(await runtimeFindings(context)),
    await typescriptFinding(),
    cacheFinding(context),
    terminalFinding(context),
  ];
}
