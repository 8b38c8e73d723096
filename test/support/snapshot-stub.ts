import type { SnapshotStore } from '../../src/statemachine/snapshot-store.ts';
export function snapshotStub(): SnapshotStore {
  return {
    newest: undefined,
    snapshots: [],
    write: async () => {
      throw new Error('none');
    },
    receive: async () => {
      throw new Error('none');
    },
    open: async () => undefined,
    close: async () => undefined,
  };
}
