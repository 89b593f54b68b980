export { markerTableSql } from './marker-table.js';
export { PgTransactional, pgTransactional, type PgIsolation, type PgTransactionOptions } from './pg-transactional.js';
export { type PostgresMarkerOptions, PostgresMarkers, postgresMarkers } from './postgres-markers.js';
export type { EmbeddedPostgres, PostgresSource } from './side-connection.js';
