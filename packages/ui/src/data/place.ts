import type { Storage } from "@parquetry/core";
import { isStorageError } from "@parquetry/core";
import { listedInRanges } from "@parquetry/core/backend";
import { yieldIfDue } from "@parquetry/core/unstable";
import type { ListingState } from "../answers.ts";
import { TableTree } from "./table-tree.ts";

/** A storage whose objects are listed in the background, once, and again on demand. */
export class Place {
  readonly storage: Storage;
  #tree = new TableTree();
  #isDone = false;
  #error: string | undefined;
  #stop = new AbortController();
  #listing: Promise<void>;

  constructor(storage: Storage) {
    this.storage = storage;
    this.#listing = this.#list();
  }

  get tree(): TableTree {
    return this.#tree;
  }

  get state(): ListingState {
    return { isDone: this.#isDone, objects: this.#tree.objects, error: this.#error };
  }

  /** Lists the storage again. The old tables are shown until the new listing has begun. */
  async refresh(): Promise<void> {
    await this.close();
    this.#stop = new AbortController();
    this.#tree = new TableTree();
    this.#isDone = false;
    this.#error = undefined;
    this.#listing = this.#list();
  }

  /** Stops the listing. The storage stays open. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#listing;
  }

  async #list(): Promise<void> {
    const { signal } = this.#stop;
    const { backend } = this.storage;
    const tree = this.#tree;
    const unreadable: string[] = [];
    try {
      const listed = backend.name === "local" ? backend : listedInRanges(backend);
      for await (const page of listed.list({ signal, onUnreadable: ({ path }) => unreadable.push(path) })) {
        for (const object of page.objects) tree.add(object);
        await yieldIfDue();
      }
      if (unreadable.length > 0)
        this.#error = `${unreadable.length} folder${unreadable.length === 1 ? "" : "s"} could not be read, such as ${unreadable[0]}`;
    } catch (error) {
      if (!signal.aborted) this.#error = isStorageError(error) ? error.message : String(error);
    }
    this.#isDone = true;
  }
}
