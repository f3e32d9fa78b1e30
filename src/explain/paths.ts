/**
 * Display paths: how a report names files. Paths inside the program's working directory become relative to it, with
 * forward slashes, so that a report reads the same and compares equal on every machine. Pure string work, no fs.
 */

function normalize(path: string): string {
  return path.replaceAll('\\', '/');
}

function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:\//.test(path);
}

/** Folder that holds both; empty when they share none worth naming. */
export function commonFolder(left: string, right: string): string {
  const [a, b] = [normalize(left).split('/'), normalize(right).split('/')];
  const length = a.findIndex((part, index) => part !== b[index]);
  const shared = length < 0 ? a : a.slice(0, length);
  return shared.every((part) => part === '') ? '' : shared.join('/');
}

/** Folder of an absolute path; empty for any other. */
export function folderOf(file: string): string {
  const path = normalize(file);
  return isAbsolute(path) ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** `src/train.ts` for a file inside `cwd`, the path with forward slashes for any other. */
export function displayPath(cwd: string, file: string): string {
  const path = normalize(file);
  const base = normalize(cwd).replace(/\/+$/, '');
  return base !== '' && path.startsWith(`${base}/`) ? path.slice(base.length + 1) : path;
}

/** The inverse of {@link displayPath}: a path to open. */
export function openPath(cwd: string, display: string): string {
  return isAbsolute(display) || cwd === '' ? display : `${normalize(cwd).replace(/\/+$/, '')}/${display}`;
}
