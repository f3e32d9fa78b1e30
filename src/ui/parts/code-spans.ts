/** A line of JavaScript, TypeScript or Python as spans: comments, strings and keywords told apart, line by line. */
import { span, type Line, type Span } from '../lines.ts';

const keywords =
  'and|as|assert|async|await|break|case|catch|class|const|continue|def|del|do|elif|else|except|export|extends|finally|for|from|function|global|if|import|in|instanceof|interface|is|lambda|let|new|not|of|or|pass|raise|return|static|switch|throw|try|type|typeof|var|while|with|yield|True|False|None|true|false|null|undefined|this|self';
const token = new RegExp(
  [
    String.raw`(?<comment>//.*|^\s*\*.*|/\*.*|(?<![\w'"])#.*)`,
    String.raw`(?<string>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\x60(?:\\.|[^\x60\\])*\x60)`,
    String.raw`(?<keyword>\b(?:${keywords})\b)`,
  ].join('|'),
  'g',
);

export function codeSpans(text: string): Line {
  const spans: Span[] = [];
  let done = 0;
  for (const match of text.matchAll(token)) {
    const { comment, string } = match.groups ?? {};
    const role = comment === undefined ? (string === undefined ? 'accent' : 'good') : 'muted';
    if (match.index > done) spans.push(span(text.slice(done, match.index), 'code'));
    spans.push(span(match[0], role));
    done = match.index + match[0].length;
  }
  if (done < text.length) spans.push(span(text.slice(done), 'code'));
  return spans;
}
