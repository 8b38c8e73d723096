/**
 * Layout: sentences broken into lines and words set in columns, for what people read.
 */

/** Lines are broken where they would grow longer than this many characters. */
const WIDTH = 100;

/** Breaks a text between words; every line begins with `prefix`. A word that is too long gets a line of its own. */
export function wrap(text: string, prefix = ''): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && prefix.length + line.length + 1 + word.length > WIDTH) {
      lines.push(prefix + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, prefix + line];
}

/** Rows of words as lines, each column as wide as its longest word and two spaces from the next. */
export function alignColumns(rows: readonly (readonly string[])[]): readonly string[] {
  return padColumns(rows).map((row) => row.join('  ').trimEnd());
}

/** Rows as a Markdown table whose first row is its head, padded as formatters pad it. */
export function markdownTable(rows: readonly (readonly string[])[]): readonly string[] {
  const [head = [], ...body] = padColumns(rows);
  const rule = head.map((cell) => '-'.repeat(cell.length));
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`);
}

function padColumns(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, word] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, word.length);
  }
  return rows.map((row) => row.map((word, column) => word.padEnd(widths[column] ?? 0)));
}
