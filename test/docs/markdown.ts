/** What tests need to read of a Markdown page: its sections and the cells of its tables. Links have a test of their own. */

/** The cells of every row of every table, heads and rules left out. */
export function tableRows(page: string): readonly (readonly string[])[] {
  const rows: (readonly string[])[] = [];
  const lines = page.split('\n');
  for (const [index, line] of lines.entries()) {
    const isRow = line.startsWith('|') && !isRule(line) && !isRule(lines[index + 1] ?? '');
    if (isRow) rows.push(cellsOf(line));
  }
  return rows;
}

/** The text under a heading, up to the next heading of its level or above; with its own heading line. */
export function sectionOf(page: string, heading: string): string {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`the page has no heading "${heading}"`);
  const level = levelOf(lines[start] ?? '');
  const length = lines.slice(start + 1).findIndex((line) => levelOf(line) > 0 && levelOf(line) <= level);
  return lines.slice(start, length < 0 ? undefined : start + 1 + length).join('\n');
}

function isRule(line: string): boolean {
  return /^\|[ :|-]+\|$/.test(line);
}

function cellsOf(line: string): readonly string[] {
  const cells = line.replace(/^\||\|$/g, '').split(/(?<!\\)\|/);
  return cells.map((cell) => cell.trim());
}

function levelOf(line: string): number {
  return /^(#+) /.exec(line)?.[1]?.length ?? 0;
}
