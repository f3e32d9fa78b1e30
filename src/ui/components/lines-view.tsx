/** Draws lines of spans: the one place where roles become colours. */
import { Box, Text } from 'ink';
import { memo, type ReactElement } from 'react';
import { lineText, printable, truncateLine, type Line } from '../lines.ts';
import type { Theme } from '../theme.ts';

interface LineViewProps {
  readonly line: Line;
  readonly width: number;
  readonly theme: Theme;
}

/** One line of at most `width` columns. Not padded: Ink handles each character, and its grid is blank to begin with. */
export const LineView: React.NamedExoticComponent<LineViewProps> = memo(function LineView({
  line,
  width,
  theme,
}: LineViewProps): ReactElement {
  const spans = truncateLine(line, width);
  // A text without a character would take no row.
  if (lineText(spans) === '') return <Text> </Text>;
  return (
    <Text wrap="truncate">
      {spans.map((span, index) => (
        <Text key={index} {...(span.role === undefined ? {} : theme[span.role])}>
          {printable(span.text)}
        </Text>
      ))}
    </Text>
  );
});

/** A block of `height` lines. They fit, so nothing is clipped: clipping would measure and cut each of them again. */
export function LinesView({
  lines,
  width,
  height,
  theme,
}: {
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
  readonly theme: Theme;
}): ReactElement {
  const blank: Line = [];
  return (
    <Box flexDirection="column" width={width} height={height}>
      {Array.from({ length: height }, (_, index) => (
        <LineView key={index} line={lines[index] ?? blank} width={width} theme={theme} />
      ))}
    </Box>
  );
}
