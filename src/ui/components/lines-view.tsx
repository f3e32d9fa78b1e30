/** Draws lines of spans: the one place where roles become colours. */
import { Box, Text } from 'ink';
import { memo, type ReactElement } from 'react';
import { padLine, printable, type Line } from '../lines.ts';
import type { Theme } from '../theme.ts';

interface LineViewProps {
  readonly line: Line;
  readonly width: number;
  readonly theme: Theme;
}

/** One line of exactly `width` columns. */
export const LineView: React.NamedExoticComponent<LineViewProps> = memo(function LineView({
  line,
  width,
  theme,
}: LineViewProps): ReactElement {
  const spans = padLine(line, width);
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

/** A block of lines, filled up with blank ones to `height`. */
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
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      {Array.from({ length: height }, (_, index) => (
        <LineView key={index} line={lines[index] ?? blank} width={width} theme={theme} />
      ))}
    </Box>
  );
}
