import '@nestjs-cls/transactional';
