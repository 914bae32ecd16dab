-- Five documents and no units, for a database made with schema.sql.

insert into documents (id, title, body) values ('QC-01', 'Quy chế quản lý tài liệu',
'CHƯƠNG I
QUY ĐỊNH CHUNG

Điều 1. Phạm vi điều chỉnh
1. Quy chế này quy định việc soạn thảo, ban hành và lưu trữ tài liệu của công ty.
2. Quy chế này không áp dụng cho tài liệu mật quy định tại khoản 2 Điều 3.

Điều 2. Trách nhiệm soạn thảo
1. Người soạn thảo phải:
a) Ghi rõ tên tài liệu, số hiệu và ngày ban hành;
b) Nêu căn cứ pháp lý của tài liệu.
2. Người soạn thảo không được sửa tài liệu sau khi ký.

CHƯƠNG II
LƯU TRỮ

Điều 3. Thời hạn lưu trữ
1. Thời hạn lưu trữ theo bảng sau:
| Loại tài liệu | Thời hạn |
| Quy chế | Vĩnh viễn |
| Biên bản | 10 năm |
2. Tài liệu mật được lưu riêng theo Điều 9.');

insert into documents (id, title, body) values ('QC-02', 'Quy chế họp Hội đồng quản trị',
'Điều 1. Triệu tập họp
1. Chủ tịch Hội đồng quản trị có trách nhiệm triệu tập họp mỗi quý một lần.
2. Một phần ba số thành viên có quyền yêu cầu họp bất thường.

Điều 2. Thông báo họp
1. Thông báo họp phải gửi trước ít nhất 05 ngày làm việc.
2. Thông báo họp nêu rõ:
- thời gian và địa điểm;
- chương trình họp;
- tài liệu kèm theo.

Điều 3. Biểu quyết
1. Mỗi thành viên có một phiếu.
2. Nghị quyết được thông qua theo khoản 1 Điều này khi quá nửa số thành viên tán thành.');

insert into documents (id, title, body) values ('QC-03', 'Quy chế phân quyền hệ thống',
'Điều 1. Nguyên tắc
1. Mọi thao tác ghi trên hệ thống chính thức phải có người phê duyệt.
2. Không ai được tự phê duyệt yêu cầu của chính mình.

Điều 2. Vai trò
1. Quản trị viên có quyền cấp và thu hồi vai trò theo Điều 1.
3. Kiểm soát viên có quyền đọc mọi nhật ký.');

insert into documents (id, title, body) values ('BL-01', 'Records Bylaws',
'# Records Bylaws

These bylaws govern how the company keeps its records.

Chapter 1: General

Article 1. Definitions
1. "Record" means any document issued or received by the company.
2. "Keeper" means the person appointed under Article 2(1).

Article 2. The keeper
1. The board shall appoint a keeper for a term of two years.
1.1 The keeper must report to the board each quarter.
1.2 The keeper may appoint one deputy.
2. The keeper must not:
(a) destroy a record before its term has ended;
(b) disclose a record, except
(i) to the board; or
(ii) to a court.

Annex A. Terms
| Record | Years |
| Minutes | 10 |
| Bylaws | for good |');

insert into documents (id, title, body) values ('PL-01', 'Deployment Policy',
'Article 1. Purpose
1. This policy governs every change to a production system.

Article 2. Before a change
1. The author of a change must submit a plan that names its rollback.
2. The reviewer''s approval is required under clause 1 of this Article.

Article 3. During a change
1. The operator shall stop at each gate and may resume only with an approval.
2. A change outside its window is prohibited.');
