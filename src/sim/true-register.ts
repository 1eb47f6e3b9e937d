/** The register as nobody in the cluster can see it: what a majority of the votes has stored at this moment. */
import { isProblem } from '../base/problem.ts';
import { type Accepted, compareBallots } from '../cluster/acceptor.ts';
import { decodeAcceptorState } from '../cluster/acceptor-codec.ts';
import type { AcceptorState } from '../cluster/acceptor-state.ts';
import { majorityOf } from '../cluster/quorum-round.ts';
import type { RegisterDocument } from '../cluster/register-document.ts';
import { parseRegisterValue } from '../cluster/register-value.ts';
import { decodedLast } from './decoded-last.ts';
import type { MovingVotes } from './moving-votes.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

type OnChosen = (before: RegisterDocument | undefined, after: RegisterDocument) => void;

export class TrueRegister {
  readonly disks: readonly SimulatedDisk[];
  readonly #voteFile: string;
  readonly #decoders = new Map<SimulatedDisk, (bytes: Buffer) => AcceptorState>();
  readonly #read = new Map<SimulatedDisk, { readonly stamp: number; readonly accepted: Accepted | undefined }>();
  /** Of each disk's vote, as it was last read. */
  #stamps: readonly number[] = [];
  #last: { accepted: Accepted; document: RegisterDocument } | undefined;
  #parsed: { readonly text: string; readonly document: RegisterDocument } | undefined;
  /** Of each host: its newest renewal, and when a majority had it. */
  readonly #renewals = new Map<string, { readonly mark: string; readonly atMs: number }>();
  /** What each vote accepted last, whatever became of it. */
  readonly #lastWords = new Map<SimulatedDisk, Accepted>();
  readonly #onChosen: OnChosen;
  readonly #moving: MovingVotes | undefined;

  /** `moving`: who votes changes, so it counts, and the disks are only those that voted first. */
  constructor(disks: readonly SimulatedDisk[], voteFile: string, onChosen: OnChosen, moving?: MovingVotes) {
    this.#moving = moving;
    this.disks = disks;
    this.#voteFile = voteFile;
    for (const disk of disks) this.#decoders.set(disk, decodedLast(decodeAcceptorState));
    this.#onChosen = onChosen;
  }

  /** The newest value that a majority has accepted; it stays chosen whatever becomes of the votes. */
  chosen(): RegisterDocument | undefined {
    if (this.#moving !== undefined) return this.#moving.chosen;
    const stamps = this.disks.map((disk) => disk.stampOf(this.#voteFile));
    if (stamps.every((stamp, index) => stamp === this.#stamps[index])) return this.#last?.document;
    this.#stamps = stamps;
    const accepted = this.disks.flatMap((disk) => this.#acceptedOn(disk) ?? []);
    for (const candidate of accepted) {
      const same = accepted.filter((other) => compareBallots(other.ballot, candidate.ballot) === 0).length;
      const isNewer = this.#last === undefined || compareBallots(candidate.ballot, this.#last.accepted.ballot) > 0;
      if (same >= majorityOf(this.disks.length) && isNewer) {
        const before = this.#last?.document;
        this.#last = { accepted: candidate, document: this.#documentOf(candidate.value) };
        this.#onChosen(before, this.#last.document);
      }
    }
    return this.#last?.document;
  }

  /** Of a vote by its number: it has accepted something, and whoever asks it is told. */
  isReadable(vote: number): boolean {
    const disk = this.disks[vote];
    return disk !== undefined && this.#acceptedOn(disk) !== undefined;
  }

  /** Called whenever a vote has stored something. */
  noteStored(nowMs: number): void {
    for (const [host, { incarnation, lease }] of Object.entries(this.#toldChosen()?.nodes ?? {})) {
      const mark = `${incarnation}/${lease}`;
      if (this.#renewals.get(host)?.mark !== mark) this.#renewals.set(host, { mark, atMs: nowMs });
    }
  }

  /** True time of the newest renewal of a host's lease, never earlier than it was sent. */
  renewedMs(host: string): number | undefined {
    return this.#renewals.get(host)?.atMs;
  }

  /**
   * What a host may have been told is chosen: of a vote that is lost, its last word may still be on its way, and counts
   * together with one that is stored only now. No majority had both at one moment, so it is not what `chosen` means.
   */
  #toldChosen(): RegisterDocument | undefined {
    const chosen = this.chosen();
    if (this.#moving !== undefined) return chosen;
    const words = this.disks.flatMap((disk) => {
      const now = this.#acceptedOn(disk);
      if (now !== undefined) this.#lastWords.set(disk, now);
      return this.#lastWords.get(disk) ?? [];
    });
    if (words.length === 0 || this.disks.every((disk) => disk.size(this.#voteFile) !== undefined)) return chosen;
    const newest = words.reduce((one, other) => (compareBallots(other.ballot, one.ballot) > 0 ? other : one));
    const same = words.filter(({ ballot }) => compareBallots(ballot, newest.ballot) === 0).length;
    return same >= majorityOf(this.disks.length) ? this.#documentOf(newest.value) : chosen;
  }

  #documentOf(text: string): RegisterDocument {
    if (this.#parsed?.text !== text) this.#parsed = { text, document: parseRegisterValue(text).document };
    return this.#parsed.document;
  }

  #acceptedOn(disk: SimulatedDisk): Accepted | undefined {
    const stamp = disk.stampOf(this.#voteFile);
    const known = this.#read.get(disk);
    if (known?.stamp === stamp) return known.accepted;
    const accepted = this.#readAccepted(disk);
    this.#read.set(disk, { stamp, accepted });
    return accepted;
  }

  /** A vote that cannot be read counts for nothing. */
  #readAccepted(disk: SimulatedDisk): Accepted | undefined {
    const size = disk.size(this.#voteFile);
    if (size === undefined) return undefined;
    try {
      return this.#decoders.get(disk)?.(disk.read(this.#voteFile, 0, size)).accepted;
    } catch (error) {
      if (isProblem(error)) return undefined;
      throw error;
    }
  }
}
