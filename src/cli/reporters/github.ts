/** Violations as annotations: workflow commands where GitHub Actions listens, `file:line:column: error` elsewhere. */
import type { Violation } from '../../explain/budget.ts';

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/**
 * One line each.
 * @param toPath makes a display path into one that the reader knows: for GitHub, relative to the repository.
 */
export function renderAnnotations(
  violations: readonly Violation[],
  isGithub: boolean,
  toPath: (file: string) => string,
): string {
  const lines = violations.map(({ title, message, site }) => {
    if (!isGithub) {
      const place = site === null ? '' : `${toPath(site.file)}:${site.line}:${Math.max(1, site.column)}: `;
      return `${place}error: ${title}: ${message.replaceAll('\n', ' ')}`;
    }
    const properties = [
      ...(site === null
        ? []
        : [
            `file=${escapeProperty(toPath(site.file))}`,
            `line=${site.line}`,
            ...(site.column > 0 ? [`col=${site.column}`] : []),
          ]),
      `title=${escapeProperty(title)}`,
    ];
    return `::error ${properties.join(',')}::${escapeData(message)}`;
  });
  return lines.map((line) => `${line}\n`).join('');
}
