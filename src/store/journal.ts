/**
 * Where a mounted storage group's changes become records of the transaction log. The store decides what is true and
 * applies it; the journal makes it last, here and on the other copies, and knows when it is committed.
 */
export interface Journal {
  /**
   * Called before a change is applied: throws a Problem when it cannot be accepted now ('NotActive'; 'NotRedundant',
   * 'DiskFull', 'LogBusy', 'FormatLevelTooLow': temporary). After it has returned, `append` of records of these kinds
   * in the same turn does not fail.
   */
  admit(payloadBytes: number, kinds: readonly number[]): void;
  /** The LSN that the next `append` will give. */
  nextLsn(): number;
  /** Puts a record into the log's queue, synchronously. The store has applied it already, under exactly this LSN. */
  append(kind: number, payload: Uint8Array): number;
  /**
   * Resolves when all records up to `lsn` are committed by the rule of the mode and the lease was held after that;
   * rejects with Problem('NotActive') when this copy lost its place. May be called for an lsn long committed: then it
   * still checks the lease.
   */
  committed(lsn: number): Promise<void>;
  /**
   * May the database go into its file with everything up to `lsn`, which is committed? Not while a record might still be
   * withdrawn: in async mode a takeover goes on without what the other copies lack, and a database that has it could
   * not follow any more (C9, lost log resilience). Resolves within a bound, true also when the log has run so far ahead
   * that waiting longer costs more than a seed would.
   */
  mayEnterDatabase(lsn: number): Promise<boolean>;
}
