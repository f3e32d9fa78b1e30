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
