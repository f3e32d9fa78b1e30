/** Names as graphs and files can have them. */

/** Words in place of any texts, each once, and none of those that are taken. */
export function distinctNames(wanted: readonly string[], taken: readonly string[] = []): readonly string[] {
  const used = new Set(taken);
  return wanted.map((text) => {
    const word = text.replace(/\W+/g, '_').replace(/^(?=\d|$)/, '_');
    let name = word;
    for (let index = 1; used.has(name); index++) name = `${word}_${index}`;
    used.add(name);
    return name;
  });
}
