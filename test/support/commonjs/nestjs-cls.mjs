import 'nestjs-cls';
