/**
 * `file://` model IO for the tfjs-node stand-in: tfjs's own JSON format (`model.json` plus binary weight files), read
 * and written as tfjs-node does.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** tfjs's model artifacts, as far as this handler passes them on. */
interface ModelArtifacts {
  readonly modelTopology?: unknown;
  readonly weightSpecs?: readonly unknown[];
  readonly weightData?: ArrayBuffer | readonly ArrayBuffer[];
  readonly [key: string]: unknown;
}

interface WeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly unknown[];
}

export interface IoHandler {
  save(artifacts: ModelArtifacts): Promise<unknown>;
  load(): Promise<ModelArtifacts>;
}

const scheme = 'file://';
/** Fields of `model.json` besides the topology and the weights. */
const passedOn = [
  'format',
  'generatedBy',
  'convertedBy',
  'trainingConfig',
  'signature',
  'userDefinedMetadata',
  'modelInitializer',
  'initializerSignature',
] as const;

function concatenate(buffers: ArrayBuffer | readonly ArrayBuffer[]): Buffer {
  return Buffer.concat(
    (Array.isArray(buffers) ? buffers : [buffers]).map((buffer: ArrayBuffer) => Buffer.from(buffer)),
  );
}

function pick(source: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    passedOn.flatMap((key) => (source[key] === undefined ? [] : [[key, source[key]]])),
  );
}

async function load(file: string): Promise<ModelArtifacts> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Error(`Path ${file} does not exist: loading failed.`, { cause });
  }
  const model = JSON.parse(text) as Readonly<Record<string, unknown>> & {
    readonly weightsManifest?: readonly WeightGroup[];
  };
  const groups = model.weightsManifest ?? [];
  const files = groups.flatMap((group) => group.paths.map((path) => join(dirname(file), path)));
  const bytes = Buffer.concat(await Promise.all(files.map(async (path) => readFile(path))));
  return {
    modelTopology: model['modelTopology'],
    ...pick(model),
    ...(model.weightsManifest === undefined
      ? {}
      : {
          weightSpecs: groups.flatMap((group) => group.weights),
          weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
        }),
  };
}

async function save(directory: string, artifacts: ModelArtifacts): Promise<unknown> {
  const weightsFile = 'weights.bin';
  const weights = artifacts.weightData === undefined ? undefined : concatenate(artifacts.weightData);
  const model = {
    modelTopology: artifacts.modelTopology,
    ...pick(artifacts),
    weightsManifest:
      weights === undefined ? [] : [{ paths: [weightsFile], weights: artifacts.weightSpecs ?? [] }],
  };
  const text = JSON.stringify(model);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'model.json'), text);
  if (weights !== undefined) await writeFile(join(directory, weightsFile), weights);
  const bytesOf = (value: unknown): number =>
    value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
  return {
    modelArtifactsInfo: {
      dateSaved: new Date(),
      modelTopologyType: 'JSON',
      modelTopologyBytes: bytesOf(artifacts.modelTopology),
      weightSpecsBytes: bytesOf(artifacts.weightSpecs),
      weightDataBytes: weights?.byteLength ?? 0,
    },
  };
}

/** Handler for a path: a directory to save to, a `model.json` to load from. */
export function fileSystem(path: string | readonly string[]): IoHandler {
  const place = resolve(typeof path === 'string' ? path : path[0]!);
  return { save: async (artifacts) => save(place, artifacts), load: async () => load(place) };
}

/** Router for tf.io: takes `file://` URLs, leaves the rest to others. */
export function fileRouter(url: string | readonly string[]): IoHandler | null {
  const first = typeof url === 'string' ? url : url[0];
  return typeof first === 'string' && first.startsWith(scheme)
    ? fileSystem(first.slice(scheme.length))
    : null;
}
