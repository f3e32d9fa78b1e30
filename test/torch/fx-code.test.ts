import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countOps, parseAnnotation, parseFxCode } from '../../src/torch/fx-code.ts';

const code = `class GraphModule(torch.nn.Module):
    def forward(self, s77: "Sym(s77)", L_x_: "f32[s77, 8][8, 1]cpu", L_self_parameters_w_: "bf16[8][1]cuda:0"):
        l_x_ = L_x_
        l_self_parameters_w_ = L_self_parameters_w_

         # File: /srv/model.py:12 in forward, code: y = F.linear(x, self.w)
        y: "f32[s77, 8][8, 1]cpu" = torch._C._nn.linear(l_x_, l_self_parameters_w_, None);  l_x_ = l_self_parameters_w_ = None

         # No stacktrace found for following nodes
        _set_grad_enabled = torch._C._set_grad_enabled(False);  _set_grad_enabled = None

         # File: /srv/model.py:13 in forward, code: return (y * 2)[0] @ y
        mul: "f32[s77, 8][8, 1]cpu" = y * 2
        getitem: "f32[8][1]cpu" = mul[0];  mul = None
        mm: "f32[8][1]cpu" = torch.ops.aten.mm.default(getitem, y);  getitem = y = None
        neg: "f32[8][1]cpu" = -mm
        layer: "f32[8][1]cpu" = self.L__self___fc(neg)
        size = layer.size(0)
        return (layer, size)

class wrap_body_0(torch.nn.Module):
    def forward(self, x):
        hidden = x.sin()
        return (hidden,)
`;

test('counts the ops of the outer graph', () => {
  expect(countOps(parseFxCode(code))).toEqual({
    linear: 1,
    _set_grad_enabled: 1,
    mul: 1,
    getitem: 1,
    'aten.mm': 1,
    neg: 1,
    L__self___fc: 1,
    size: 1,
  });
});

test('reads inputs, outputs and the line of each node', () => {
  const graph = parseFxCode(code);
  expect(graph.inputs).toEqual([
    { name: 's77', type: undefined },
    { name: 'L_x_', type: { dtype: 'float32', shape: ['s77', 8] } },
    { name: 'L_self_parameters_w_', type: { dtype: 'bfloat16', shape: [8] } },
  ]);
  expect(graph.outputs).toEqual(['layer', 'size']);
  expect(graph.nodes.map((node) => graph.places[node.place]?.line)).toEqual([
    12,
    undefined,
    13,
    13,
    13,
    13,
    13,
    13,
  ]);
});

test('takes shapes from the record where an old version prints no types', () => {
  const old =
    'class GraphModule(torch.nn.Module):\n    def forward(self, L_x_ : torch.Tensor):\n        l_x_ = L_x_\n        sin = l_x_.sin();  l_x_ = None\n        return ()\n';
  const graph = parseFxCode(old, { l_x_: [4, 4], sin: [4, 's0'] });
  expect(graph.inputs).toEqual([{ name: 'L_x_', type: { dtype: 'unknown', shape: [4, 4] } }]);
  expect(graph.nodes).toEqual([
    { name: 'sin', op: 'sin', type: { dtype: 'unknown', shape: [4, 's0'] }, place: -1 },
  ]);
});

test('reads a signature over several lines', () => {
  const long =
    'class m(torch.nn.Module):\n    def forward(\n        self,\n        primals_1: "f32[3][1]cpu",  # PlainAOTInput(idx=0)\n        primals_2: "i64[][]cpu",  # PlainAOTInput(idx=1)\n    ):\n        add: "f32[3]" = primals_1 + primals_2\n        return (add,)\n';
  expect(parseFxCode(long).inputs.map((input) => input.name)).toEqual(['primals_1', 'primals_2']);
});

test.each([
  ['f32[4, 8][8, 1]cpu', { dtype: 'float32', shape: [4, 8] }],
  ['b8[][]cpu', { dtype: 'bool', shape: [] }],
  ['i64[s0, 2*s1]', { dtype: 'int64', shape: ['s0', '2*s1'] }],
  ['Sym(s0)', undefined],
  ['', undefined],
])('the annotation %j', (text, type) => {
  expect(parseAnnotation(text)).toEqual(type);
});

test('never throws on any text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => void parseFxCode(`    def forward(self, x):\n        ${text}`)),
  );
});
