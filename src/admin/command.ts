/**
 * What a command is: one value that says everything about it. The shell, the help text, the HTTP API and its OpenAPI
 * document are derived from it, so that none of them can say something else.
 */
import type { z } from 'zod';
import type { AdminContext } from './context.ts';

/** Roles as in the reference, 2.9: reading is for everybody who may look, the rest is for the server's administrators. */
export type Permission = 'View-Only Administrator' | 'Server Administrator';

export type ColumnType = 'text' | 'number' | 'boolean' | 'time' | 'list';

/** One property of the objects that a command returns. Times are ISO 8601 strings in UTC, or null. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly description: string;
}

export type Value = string | number | boolean | null | readonly string[];
export type Row = Readonly<Record<string, Value>>;

/** What the shell prints when nobody says -Format. */
export type Format = 'Table' | 'List' | 'Json';

export interface Example {
  readonly line: string;
  readonly what: string;
}

export interface Change {
  /** Whether a person at a terminal is asked before, as the reference has it for what interrupts or deletes. */
  readonly asks: boolean;
  /** What would be done, for -WhatIf and for the question; `Suspend replication of mbx01\First Storage Group`. */
  readonly describe: (parameters: Readonly<Record<string, unknown>>) => string;
  /**
   * What may be lost, from the facts of this moment: said by -WhatIf, and asked about in a second question. Only for
   * commands that take -Force and refuse without it.
   */
  readonly consequence:
    | ((context: AdminContext, parameters: Readonly<Record<string, unknown>>) => Promise<string>)
    | undefined;
}

/** As a command's file declares it. */
interface ChangeDeclaration<P> {
  readonly asks: boolean;
  readonly describe: (parameters: P) => string;
  readonly consequence?: (context: AdminContext, parameters: P) => Promise<string>;
}

export type ParameterShape = z.ZodObject<z.ZodRawShape>;

export interface Command {
  readonly name: string;
  readonly synopsis: string;
  readonly description: string;
  readonly parameters: ParameterShape;
  /** Parameters that may be given without their name, in this order. */
  readonly positional: readonly string[];
  /** Other names of a parameter, for those who know them from Exchange. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly permission: Permission;
  /** Set for commands that change something; they take -WhatIf and -Confirm. */
  readonly change: Change | undefined;
  readonly columns: readonly Column[];
  /** Names of the columns of the default table, in order. */
  readonly table: readonly string[];
  readonly defaultFormat: Format;
  readonly examples: readonly Example[];
  /** False for what the shell answers by itself. */
  readonly needsCluster: boolean;
  readonly handler: (
    context: AdminContext,
    parameters: Readonly<Record<string, unknown>>,
    catalog: Catalog,
  ) => Promise<readonly Row[]>;
}

/** The commands as a command sees them. */
export interface Catalog {
  readonly commands: readonly Command[];
  /** Problem('CommandUnknown') with the nearest names. */
  find(name: string): Command;
}

/** A command as its file declares it: the parameters' types reach the handler, the rest has defaults. */
export interface CommandDeclaration<Shape extends z.ZodRawShape> {
  readonly name: string;
  readonly synopsis: string;
  readonly description: string;
  readonly parameters: z.ZodObject<Shape>;
  readonly positional?: readonly (keyof Shape & string)[];
  readonly aliases?: Readonly<Record<string, keyof Shape & string>>;
  readonly permission: Permission;
  readonly change?: ChangeDeclaration<z.output<z.ZodObject<Shape>>>;
  readonly columns: readonly Column[];
  readonly table: readonly string[];
  readonly defaultFormat?: Format;
  readonly examples: readonly Example[];
  readonly needsCluster?: boolean;
  readonly handler: (
    context: AdminContext,
    parameters: z.output<z.ZodObject<Shape>>,
    catalog: Catalog,
  ) => Promise<readonly Row[]>;
}

/**
 * Forgets the exact type of the parameters, once, here: the registry hands a handler only what the command's own schema
 * has parsed.
 */
export function declareCommand<Shape extends z.ZodRawShape>(declaration: CommandDeclaration<Shape>): Command {
  const { change, handler, parameters } = declaration;
  const typed = (values: Readonly<Record<string, unknown>>): z.output<z.ZodObject<Shape>> =>
    values as z.output<z.ZodObject<Shape>>;
  return {
    ...declaration,
    parameters: parameters as unknown as ParameterShape,
    positional: declaration.positional ?? [],
    aliases: declaration.aliases ?? {},
    defaultFormat: declaration.defaultFormat ?? 'Table',
    needsCluster: declaration.needsCluster ?? true,
    change: change && untypedChange(change, typed),
    handler: (context, values, catalog) => handler(context, typed(values), catalog),
  };
}

function untypedChange<P>(
  { asks, describe, consequence }: ChangeDeclaration<P>,
  typed: (values: Readonly<Record<string, unknown>>) => P,
): Change {
  return {
    asks,
    describe: (values) => describe(typed(values)),
    consequence: consequence && ((context, values) => consequence(context, typed(values))),
  };
}
