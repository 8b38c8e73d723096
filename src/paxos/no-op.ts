/**
 * No-op: the value of an instance that has to be filled although nobody has a value for it. It is empty; that an
 * instance has a value at all is told by its accepted ballot, never by the value's length.
 */
export const NO_OP = new Uint8Array(0);

export function isNoOp(value: Uint8Array): boolean {
  return value.length === 0;
}
