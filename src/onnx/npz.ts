/** NumPy's .npz files: a ZIP archive with one .npy file per named array. */
import { decodeNpy, encodeNpy, type NpyArray } from './npy.ts';
import { readZip, writeZip } from './zip.ts';

/** The arrays of a .npz file by name. @throws UserError FG3107, FG3108 */
export function decodeNpz(bytes: Uint8Array): Map<string, NpyArray> {
  return new Map(
    [...readZip(bytes)].map(([name, file]) => [name.replace(/\.npy$/, ''), decodeNpy(file)] as const),
  );
}

/** A .npz file of the arrays, readable by `numpy.load`. @throws UserError FG3107 */
export function encodeNpz(arrays: ReadonlyMap<string, NpyArray>): Uint8Array<ArrayBuffer> {
  return writeZip(new Map([...arrays].map(([name, array]) => [`${name}.npy`, encodeNpy(array)] as const)));
}
