import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/** Serves the OpenAPI page at `/docs` and the document at `/docs-json`. */
export function serveApiDocs(app: INestApplication): void {
  const info = new DocumentBuilder()
    .setTitle('Box office')
    .setDescription('Sells seats without overselling: the sample of nestjs-cache-txn.')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, info, { autoTagControllers: true }));
}
