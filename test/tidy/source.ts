/**
 * The project's files as text and as syntax trees, for the tidy tests. Knows which files there are, not what is wrong
 * with them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** A function of a file, its name as a person would call it, and its length. */
export interface FunctionLength {
  readonly name: string;
  readonly lines: number;
}

/** Every file that is committed, or would be by `git add`; not what is ignored. */
export function projectFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  return listed
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(path));
}

export function readSource(path: string): SourceFile {
  return parseSource(path, readFileSync(path, 'utf8'));
}

export function parseSource(path: string, text: string): SourceFile {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** Every node of a tree, from the outside in. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}

/** The line of a node, from 1. */
export function lineOf(source: SourceFile, node: ts.Node): number {
  return source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

export function lineCount(source: SourceFile): number {
  return source.text.trimEnd().split('\n').length;
}

/** The functions of a file, those inside others too; a comment above does not count, what is inside does. */
export function functionLengths(source: SourceFile): FunctionLength[] {
  const lengths: FunctionLength[] = [];
  for (const node of nodesOf(source.tree)) {
    if (!isFunctionWithBody(node)) continue;
    const { line: lastLine } = source.tree.getLineAndCharacterOfPosition(node.getEnd());
    lengths.push({ name: nameOf(node), lines: lastLine + 2 - lineOf(source, node) });
  }
  return lengths;
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return `${classOf(node)}constructor`;
  if (node.name !== undefined) return `${classOf(node)}${node.name.getText()}`;
  const { parent } = node;
  if (
    ts.isVariableDeclaration(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isPropertyAssignment(parent)
  ) {
    return `${classOf(parent)}${parent.name.getText()}`;
  }
  return '(unnamed)';
}

function classOf(node: ts.Node): string {
  return ts.isClassLike(node.parent) ? `${node.parent.name?.text ?? '(class)'}.` : '';
}
