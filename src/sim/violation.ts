/** A promise of the protocol was broken: the run has found a fault. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly checker: string;
  readonly instanceId: number | undefined;

  constructor(checker: string, message: string, instanceId?: number) {
    super(`${checker}: ${message}`);
    this.checker = checker;
    this.instanceId = instanceId;
  }
}
