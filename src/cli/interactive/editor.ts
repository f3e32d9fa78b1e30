/** The user's editor at a line. */
import { spawn } from 'node:child_process';
import type { Context } from '../command.ts';

/** Words that open a file at a line. Editors agree on `+line file` as far as they agree at all. */
export function editorWords(editor: string, file: string, line: number): readonly string[] {
  const isCode = /(?:^|[\\/])(?:code|codium|cursor)(?:\s|$)/.test(editor);
  const place = isCode ? ['--goto', `${file}:${line}`] : [`+${line}`, file];
  return [...editor.split(' ').filter((word) => word !== ''), ...place];
}

/** Opens the editor and waits for it. @returns what went wrong, if anything did. */
export async function openEditor(
  file: string,
  line: number,
  env: Context['env'],
): Promise<string | undefined> {
  const editor = env['VISUAL'] ?? env['EDITOR'];
  if (editor === undefined || editor.trim() === '') return 'set $EDITOR to open files';
  const [command = '', ...words] = editorWords(editor, file, line);
  return new Promise((done) => {
    const child = spawn(command, words, { stdio: 'inherit' });
    child.on('error', (error) => done(`cannot start ${editor}: ${error.message}`));
    child.on('close', (code) =>
      done(code === 0 || code === null ? undefined : `${command} ended with ${code}`),
    );
  });
}
