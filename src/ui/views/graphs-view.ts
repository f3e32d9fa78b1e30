/** Graphs: every captured graph with its cost; beside it its text, node by node. */
import type { GraphReport } from '../../explain/report.ts';
import { defineView, listOf, type View } from '../define-view.ts';
import { line, span, tableHead, tableRow, type Column, type Line } from '../lines.ts';
import { formatMs, formatSite } from './format.ts';

const columns: readonly Column[] = [
  { title: 'id', width: 8 },
  { title: 'name', width: 'flex' },
  { title: 'nodes', width: 6, align: 'right' },
  { title: 'runs', width: 6, align: 'right' },
  { title: 'run', width: 9, align: 'right' },
  { title: 'compile', width: 9, align: 'right' },
  { title: 'eager', width: 5, align: 'right' },
];

function draw(graph: GraphReport, width: number): Line {
  const eager = graph.fallbacks.length;
  return tableRow(
    columns,
    [
      span(graph.id, 'accent'),
      span(graph.name),
      span(String(graph.nodeCount)),
      span(String(graph.runs)),
      span(formatMs(graph.runMs)),
      span(formatMs(graph.compileMs)),
      span(String(eager), eager > 0 ? 'warning' : 'muted'),
    ],
    width,
  );
}

export const graphsView: View = defineView({
  id: 'graphs',
  title: 'Graphs',
  key: '3',
  head: (_report, _settings, width) => [tableHead(columns, width)],
  list: (report, settings) => {
    const wanted = settings.filter.toLowerCase();
    const graphs = report.graphs.filter((graph) =>
      `${graph.id} ${graph.name}`.toLowerCase().includes(wanted),
    );
    return listOf(graphs, (graph) => ({ key: graph.id }), draw);
  },
  detail: (report, _settings, key) => {
    const graph = report.graphs.find((each) => each.id === key);
    if (graph === undefined) return [];
    return [
      line(`${graph.id} ${graph.name}`, 'strong'),
      line(formatSite(graph.site), 'muted'),
      ...graph.fallbacks.map((node) =>
        line(`${node.node}: ${node.kernel} runs eagerly (${node.reason})`, 'warning'),
      ),
      ...graph.text.split('\n').map((text) => line(text, 'code')),
    ];
  },
  target: (report, _settings, key) => {
    const graph = report.graphs.find((each) => each.id === key);
    if (graph === undefined) return {};
    const { site } = graph;
    return {
      graph: key,
      text: graph.text,
      ...(site === undefined ? {} : { file: site.file, line: site.line }),
    };
  },
});
