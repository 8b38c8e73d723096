/**
 * The rules of tidiness that no tool checks for us: each takes a file and says what breaks it, as `path:line what`.
 * `any`, `!`, default exports and forgotten promises are the linter's; directions of imports dependency-cruiser's;
 * what nothing uses knip's.
 */
import ts from 'typescript';
import { lineOf, nodesOf, type SourceFile } from './source.ts';

const TEST_FUNCTIONS = new Set(['it', 'test', 'describe', 'suite']);
const SKIPPING = new Set(['skip', 'skipIf', 'runIf', 'todo', 'only', 'fails']);

/** `as` asserts what the compiler could not see; `as const` and `satisfies` do not. */
export function typeAssertions(source: SourceFile): string[] {
  return complaints(source, (node) => {
    if (ts.isAsExpression(node) && !ts.isConstTypeReference(node.type)) return `'as ${node.type.getText()}'`;
    if (ts.isTypeAssertionExpression(node)) return `'<${node.type.getText()}>' as an assertion`;
    return undefined;
  });
}

/** State belongs to an object that someone made and can close; a module has one for the whole process. */
export function moduleState(source: SourceFile): string[] {
  return complaints(source, (node) => {
    const isTop = ts.isVariableStatement(node) && node.parent === source.tree;
    return isTop && (node.declarationList.flags & ts.NodeFlags.Const) === 0
      ? `'${node.declarationList.getText()}' is mutable and belongs to the module`
      : undefined;
  });
}

/**
 * A skipped test says why, where the run can print it: `context.skip('reason')` or `context.skip(when, 'reason')`.
 * `it.skip` and the like cannot.
 */
export function silentSkips(source: SourceFile): string[] {
  return complaints(source, (node) => {
    if (ts.isPropertyAccessExpression(node)) {
      const isOfTest = TEST_FUNCTIONS.has(node.expression.getText()) && SKIPPING.has(node.name.text);
      return isOfTest ? `'${node.getText()}': use context.skip(when, reason)` : undefined;
    }
    if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
    if (node.expression.name.text !== 'skip' || TEST_FUNCTIONS.has(node.expression.expression.getText()))
      return undefined;
    const [first, second] = node.arguments;
    const hasReason = second !== undefined || (first !== undefined && ts.isStringLiteralLike(first));
    return hasReason ? undefined : `'${node.getText()}' gives no reason`;
  });
}

/** A file says what it is before it does anything. */
export function missingHeader(source: SourceFile): string[] {
  return /^(#!.*\n)?\s*\/\*\*/.test(source.text) ? [] : [`${source.path}:1 does not open with what it is`];
}

/** Work that is left says where it is kept: `TODO(#12): …`. */
export function bareReminders(path: string, text: string): string[] {
  return matchingLines(path, text, /\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/);
}

/** Paths that exist on one machine only. The original's default directory, /tmp/acceptor, is everybody's. */
export function machinePaths(path: string, text: string): string[] {
  return matchingLines(path, text, /(?<![\w.~-])\/(home|root|Users|work|tmp)\/(?!acceptor)[\w.-]+/);
}

function matchingLines(path: string, text: string, pattern: RegExp): string[] {
  return text.split('\n').flatMap((line, index) => {
    const match = pattern.exec(line);
    return match === null ? [] : [`${path}:${index + 1} ${match[0]}`];
  });
}

function complaints(source: SourceFile, check: (node: ts.Node) => string | undefined): string[] {
  const found: string[] = [];
  for (const node of nodesOf(source.tree)) {
    const complaint = check(node);
    if (complaint !== undefined) found.push(`${source.path}:${lineOf(source, node)} ${complaint}`);
  }
  return found;
}

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** What makes a lock file fail elsewhere: addresses of one registry, and platforms that it does not list. */
export function lockFileFaults(packages: Readonly<Record<string, LockedPackage>>): string[] {
  return Object.entries(packages).flatMap(([key, { resolved, optionalDependencies }]) => [
    ...(resolved === undefined ? [] : [`${key} has an address: ${resolved}`]),
    ...Object.keys(optionalDependencies ?? {})
      .filter((name) => !(`node_modules/${name}` in packages) && !(`${key}/node_modules/${name}` in packages))
      .map((name) => `${name}, which ${key} wants on some platform, is missing: npm ci will refuse the file`),
  ]);
}
