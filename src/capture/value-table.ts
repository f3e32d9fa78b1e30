/**
 * The lazy backend's table from dataIds to values, with the behaviour of tfjs's `DataStorage`: asking for a tensor that
 * lies on another backend moves it here. Ids made here carry their value, as a weak map costs more than all the rest of
 * recording a call.
 */
import type { LazyValue } from './pending.ts';
import type { DataId } from './tf-module.ts';

let idCount = 0;

/**
 * A dataId that knows its value while it is in the table. Programs print, copy, compare and serialize tensors: to all of
 * that it is the plain `{ id }` which tfjs's own backends make.
 */
class OwnDataId {
  readonly id = idCount++;
  #value: LazyValue | undefined;
  readonly #table: ValueTable;

  constructor(value: LazyValue, table: ValueTable) {
    this.#value = value;
    this.#table = table;
  }

  static isOf(dataId: DataId, table: ValueTable): dataId is OwnDataId {
    return #table in dataId && dataId.#table === table;
  }

  static get(dataId: OwnDataId): LazyValue | undefined {
    return dataId.#value;
  }

  static set(dataId: OwnDataId, value: LazyValue | undefined): void {
    dataId.#value = value;
  }
}
OwnDataId.prototype.constructor = Object;

export interface DataMover {
  moveData(backend: object, dataId: DataId): void;
}

export class ValueTable {
  readonly #backend: object;
  readonly #mover: DataMover;
  /** Values of ids that other backends made. */
  readonly #foreign = new WeakMap<DataId, LazyValue>();
  #count = 0;

  constructor(backend: object, mover: DataMover) {
    this.#backend = backend;
    this.#mover = mover;
  }

  /** A new id for a value. */
  add(value: LazyValue): DataId {
    this.#count++;
    return new OwnDataId(value, this);
  }

  /** The value if it is here. */
  find(dataId: DataId): LazyValue | undefined {
    return OwnDataId.isOf(dataId, this) ? OwnDataId.get(dataId) : this.#foreign.get(dataId);
  }

  /** The value, moved here from another backend first if need be. */
  get(dataId: DataId): LazyValue {
    let value = this.find(dataId);
    if (value !== undefined) return value;
    this.#mover.moveData(this.#backend, dataId);
    value = this.find(dataId);
    // As tfjs's table does, which hands out `undefined` for an id that no backend knows.
    return value as LazyValue;
  }

  set(dataId: DataId, value: LazyValue): void {
    this.#count++;
    if (OwnDataId.isOf(dataId, this)) OwnDataId.set(dataId, value);
    else this.#foreign.set(dataId, value);
  }

  /** Gives a known id another value. */
  replace(dataId: DataId, value: LazyValue): void {
    this.#count--;
    this.set(dataId, value);
  }

  has(dataId: DataId): boolean {
    return this.find(dataId) !== undefined;
  }

  delete(dataId: DataId): boolean {
    this.#count--;
    if (OwnDataId.isOf(dataId, this)) {
      const isKnown = OwnDataId.get(dataId) !== undefined;
      OwnDataId.set(dataId, undefined);
      return isKnown;
    }
    return this.#foreign.delete(dataId);
  }

  numDataIds(): number {
    return this.#count;
  }
}
