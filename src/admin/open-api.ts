/** The registry as an OpenAPI 3.1 document: one path for each command, its schema being the command's own. */
import type { Column, ColumnType, Command } from './command.ts';
import { parametersSchema } from './parameters.ts';

const columnSchemas: Readonly<Record<ColumnType, object>> = {
  text: { type: ['string', 'null'] },
  number: { type: ['number', 'null'] },
  boolean: { type: 'boolean' },
  time: { type: ['string', 'null'], format: 'date-time' },
  list: { type: 'array', items: { type: 'string' } },
};

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'temporary'],
      properties: { code: { type: 'string' }, message: { type: 'string' }, temporary: { type: 'boolean' } },
    },
  },
};

export function openApiDocument(commands: readonly Command[]): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast administration', version: '1', description: 'The commands of the shell, over HTTP.' },
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: errorSchema },
    },
    paths: Object.fromEntries(
      commands.map((command) => [`/api/v1/commands/${command.name}`, { post: operationOf(command) }]),
    ),
  };
}

function operationOf(command: Command): object {
  return {
    operationId: command.name,
    summary: command.synopsis,
    description: command.description,
    requestBody: { required: false, content: { 'application/json': { schema: requestSchema(command) } } },
    responses: {
      '200': { description: 'It was done.', content: { 'application/json': { schema: answerSchema(command) } } },
      default: {
        description: 'It was not done, and why.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

function requestSchema(command: Command): object {
  const schema = parametersSchema(command);
  if (command.change === undefined) return schema;
  const whatIf = { type: 'boolean', description: 'Says what would be done and does nothing.' };
  return { ...schema, properties: { ...schema.properties, WhatIf: whatIf } };
}

function answerSchema(command: Command): object {
  const properties = Object.fromEntries(command.columns.map((column) => [column.name, columnSchema(column)]));
  return {
    type: 'object',
    required: ['rows'],
    properties: {
      rows: { type: 'array', items: { type: 'object', properties } },
      whatIf: { type: 'string' },
    },
  };
}

function columnSchema(column: Column): object {
  return { ...columnSchemas[column.type], description: column.description };
}
