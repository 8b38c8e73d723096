/** What a module of this package exports, types included: the compiler's view of the files behind package.json's exports. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

export class Exports {
  readonly #checker: ts.TypeChecker;
  readonly #symbols = new Map<string, readonly ts.Symbol[]>();

  constructor() {
    const files = modulesOf(readFileSync(`${root}package.json`, 'utf8'));
    const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    // Names are all that is asked for: without the libraries' types it takes a second instead of ten.
    const program = ts.createProgram([...files.values()], { ...options, noLib: true, types: [] });
    this.#checker = program.getTypeChecker();
    for (const [module, file] of files) {
      const source = program.getSourceFile(file);
      const symbol = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source);
      if (symbol === undefined)
        throw new Error(`package.json exports ${module}, but ${file} exports nothing`);
      this.#symbols.set(module, this.#checker.getExportsOfModule(symbol));
    }
  }

  /** The modules of the package: `libpaxos`, `libpaxos/paxos`, … */
  get modules(): readonly string[] {
    return [...this.#symbols.keys()];
  }

  /** True if a module exports `Name`, or a `Name` that has the member of `Name.member`. */
  has(module: string, path: string): boolean {
    const [name, member] = path.split('.');
    const symbol = this.#symbols.get(module)?.find((exported) => exported.name === name);
    if (symbol === undefined || member === undefined) return symbol !== undefined;
    return this.#typesOf(symbol).some((type) => type.getProperty(member) !== undefined);
  }

  /** What instances have, and what the name itself has. */
  #typesOf(exported: ts.Symbol): readonly ts.Type[] {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? this.#checker.getAliasedSymbol(exported) : exported;
    return [this.#checker.getDeclaredTypeOfSymbol(symbol), this.#checker.getTypeOfSymbol(symbol)];
  }
}

/** Module names and their files in src/, from the text of package.json. */
function modulesOf(text: string): Map<string, string> {
  const files = new Map<string, string>();
  const entries = text.matchAll(/"\.([\w/]*)": \{\s*"types": "\.\/dist\/([\w/]+)\.d\.ts"/g);
  for (const [, path = '', file = ''] of entries) files.set(`libpaxos${path}`, `${root}src/${file}.ts`);
  return files;
}
