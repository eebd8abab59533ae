"""Words that the corpus is made of, in pairs of English and Chinese, and as groups of words that mean the same.

Goes out: constant tables. Knows nothing of sentences or tasks.
"""


def _pairs(text: str) -> list[tuple[str, str]]:
    """`"weather:天气 city:城市"` as pairs; `_` stands for a space in English."""
    return [(en.replace("_", " "), zh) for en, zh in (item.split(":") for item in text.split())]


def listed(text: str) -> list[str]:
    return text.split()


def _groups(text: str) -> list[tuple[list[str], list[str]]]:
    """One group a line: English words, a bar, Chinese words, all with one meaning."""
    halves = (line.split("|") for line in text.strip().splitlines())
    return [([word.replace("_", " ") for word in en.split()], zh.split()) for en, zh in halves]


# What a service does. The words of a line stand for each other: a request may use another than the description.
ACTIONS = _groups("""
get fetch retrieve look_up|查询 查 查看 获取 查一下
search find look_for|搜索 查找 搜 找 找一下
create make set_up|创建 新建 建立 建
add append include|添加 增加 加入 加上
delete remove erase|删除 移除 删掉 清除
update change modify edit|更新 修改 更改 改
send deliver forward|发送 发 发出 转发
book reserve|预订 预约 订 订一个
buy purchase order|购买 买 订购 下单
sell trade|出售 卖 卖出
cancel call_off|取消 撤销 不要了
open start launch|打开 启动 开启 开
close stop shut_down|关闭 停止 关掉 关
calculate compute work_out|计算 算 算一下 求
convert change_into turn_into|转换 换算 换成 转成
translate render|翻译 译成 翻成
compare contrast|比较 对比 比一比
list show display|列出 显示 展示 看看
count tally number|统计 计数 数一数
check verify inspect|检查 核对 验证 查验
schedule plan arrange|安排 计划 排 排定
remind alert notify|提醒 通知 告知 叫我
record log note|记录 记下 登记 记
play listen_to|播放 放 听
draw sketch paint|绘制 画 画出
write compose draft|撰写 写 起草
read recite|朗读 读 读一下
print output|打印 印 输出
copy duplicate|复制 拷贝 抄
move transfer shift|移动 转移 搬 挪
save store keep|保存 存 存储
load import|加载 导入 载入
export download|导出 下载
upload submit|上传 提交 递交
share publish post|分享 发布 发表
rate score review|评价 打分 评分 点评
measure gauge weigh|测量 量 测
estimate predict forecast|估计 预测 预估 估算
repair fix mend|修理 修 维修 修复
rent hire lease|租 租用 租借
pay settle|支付 付 付款 结清
refund return|退款 退 退回
register enroll sign_up|注册 报名 登记
lock secure|锁定 锁上 锁
unlock release|解锁 开锁 放开
sort rank order_by|排序 排名 排列
filter select pick|筛选 过滤 挑选 选
merge combine join|合并 拼接 组合
split divide cut|拆分 分割 切分
encode encrypt|编码 加密
decode decrypt|解码 解密
generate produce build|生成 产生 制作
summarize outline digest|总结 概括 摘要
describe explain|描述 说明 解释
track follow trace|跟踪 追踪 跟进
assign give allot|分配 指派 分给
approve accept confirm|批准 通过 确认
reject refuse decline|拒绝 驳回 否决
invite ask_in|邀请 请
feed water care_for|喂 浇水 照料
clean wash sweep|清洁 打扫 清洗
cook bake prepare|烹饪 做 烤
turn_on switch_on|打开 开启
turn_off switch_off|关闭 关掉
increase raise boost|提高 增加 调高
reduce lower cut_down|降低 减少 调低
set adjust tune|设置 设定 调整 调
rename relabel|重命名 改名
archive file_away|归档 存档
scan sweep_over|扫描 扫
identify recognize detect|识别 辨认 检测
recommend suggest propose|推荐 建议
subscribe follow_up|订阅 关注
solve answer|解 解答 求解
test try probe|测试 试 试验
monitor watch observe|监控 观察 监测
collect gather|收集 采集 汇集
visit tour|参观 游览 访问
deliver ship dispatch|配送 寄送 派送 寄
roll flip throw|掷 抛 投
toggle switch|切换 转换
draw_lots pick_randomly|抽签 抽取 随机选
""")

# What it is done to.
THINGS = _pairs("""
weather:天气 city:城市 table:餐桌 room:房间 hotel:酒店 flight:航班 train:列车 ticket:票 bus:公交 taxi:出租车
car:汽车 bicycle:自行车 ship:船 route:路线 map:地图 address:地址 road:道路 parking_lot:停车场 station:车站
airport:机场 restaurant:餐厅 dish:菜品 recipe:菜谱 menu:菜单 meal:餐 drink:饮料 coffee:咖啡 tea:茶 cake:蛋糕
fruit:水果 vegetable:蔬菜 rice:大米 bread:面包 egg:鸡蛋 fish:鱼 meat:肉 kitchen:厨房 order:订单 invoice:发票
bill:账单 receipt:收据 payment:付款 account:账户 card:卡片 loan:贷款 tax:税款 salary:工资 budget:预算 price:价格
discount:折扣 coupon:优惠券 currency:货币 exchange_rate:汇率 stock:股票 fund:基金 bond:债券 insurance:保险
contract:合同 customer:客户 supplier:供应商 product:产品 warehouse:仓库 inventory:库存 parcel:包裹 shipment:货物
delivery:配送 message:消息 email:邮件 letter:信件 note:笔记 memo:备忘录 document:文档 file:文件 folder:文件夹
photo:照片 picture:图片 video:视频 song:歌曲 album:专辑 playlist:歌单 movie:电影 book:图书 novel:小说 poem:诗
article:文章 news:新闻 magazine:杂志 library:图书馆 museum:博物馆 exhibition:展览 concert:音乐会 game:游戏
match:比赛 team:球队 player:球员 score:比分 league:联赛 race:赛跑 gym:健身房 exercise:锻炼 workout:训练 diet:饮食
calorie:热量 weight:体重 height:身高 temperature:温度 humidity:湿度 air_quality:空气质量 wind:风 rain:降雨
earthquake:地震 tide:潮汐 sunrise:日出 moon:月亮 star:星星 planet:行星 meeting:会议 appointment:预约 event:活动
calendar:日历 reminder:提醒 alarm:闹钟 timer:计时器 task:任务 project:项目 report:报告 survey:调查 vote:投票
employee:员工 department:部门 company:公司 office:办公室 visitor:访客 guest:客人 member:会员 user:用户 password:密码
student:学生 teacher:教师 course:课程 lesson:课 homework:作业 exam:考试 grade:成绩 school:学校 class:班级
scholarship:奖学金 doctor:医生 nurse:护士 patient:病人 hospital:医院 clinic:诊所 medicine:药品 prescription:处方
vaccine:疫苗 blood_pressure:血压 pet:宠物 dog:狗 cat:猫 bird:鸟 horse:马 cow:奶牛 plant:植物 flower:花 tree:树
garden:花园 farm:农场 field:田地 crop:庄稼 harvest:收成 soil:土壤 water:水 river:河流 lake:湖泊 mountain:山
forest:森林 beach:海滩 island:岛屿 park:公园 bridge:桥 tower:塔 house:房屋 apartment:公寓 building:大楼 door:门
window:窗户 light:灯 lamp:台灯 fan:风扇 heater:暖气 air_conditioner:空调 curtain:窗帘 washing_machine:洗衣机
fridge:冰箱 oven:烤箱 television:电视 speaker:音箱 phone:电话 computer:电脑 printer:打印机 camera:相机 sensor:传感器
robot:机器人 drone:无人机 battery:电池 server:服务器 database:数据库 network:网络 website:网站 page:网页 link:链接
domain:域名 image:图像 code:代码 function:函数 variable:变量 number:数字 word:单词 sentence:句子 text:文本
language:语言 dictionary:词典 translation:译文 name:名字 date:日期 time:时间 day:日子 week:星期 month:月份 year:年份
hour:小时 minute:分钟 length:长度 area:面积 volume:体积 speed:速度 distance:距离 angle:角度 circle:圆
triangle:三角形 square:正方形 equation:方程 matrix:矩阵 average:平均值 percentage:百分比 unit:单位 color:颜色
size:尺寸 shape:形状 material:材料 key:钥匙 lock:门锁 box:箱子 bag:袋子 bottle:瓶子 cup:杯子 plate:盘子 chair:椅子
desk:书桌 bed:床 clock:时钟 watch:手表 ring:戒指 gift:礼物 toy:玩具 shirt:衬衫 shoe:鞋 coat:外套 hat:帽子
umbrella:雨伞 ticket_office:售票处 passport:护照 visa:签证 luggage:行李 seat:座位 tour:旅行团 guide:导游 trip:行程
holiday:假期 festival:节日 wedding:婚礼 birthday:生日 party:聚会 friend:朋友 family:家庭 child:孩子 neighbour:邻居
city_council:市政府 law:法律 court:法院 police:警察 license:执照 permit:许可证 complaint:投诉 feedback:反馈
question:问题 answer:答案 comment:评论 channel:频道 group:群组 contact:联系人 notification:通知 ticket_number:票号
signal:信号 machine:机器 engine:发动机 fuel:燃料 tyre:轮胎 part:零件 tool:工具 screw:螺丝 pipe:管道 cable:电缆
switch:开关 meter:仪表 pump:水泵 valve:阀门 elevator:电梯 factory:工厂 worker:工人 shift:班次 recipe_book:食谱
sample:样本 experiment:实验 chemical:化学品 element:元素 molecule:分子 cell:细胞 gene:基因 satellite:卫星
rocket:火箭 telescope:望远镜 metal:金属 stone:石头
""")

QUALITIES = _pairs("""
new:新 old:旧 big:大 small:小 long:长 short:短 high:高 low:低 fast:快 slow:慢 hot:热 cold:冷 warm:暖 cheap:便宜
expensive:昂贵 daily:每日 weekly:每周 monthly:每月 yearly:年度 local:本地 remote:远程 public:公共 private:私人
main:主要 spare:备用 first:首个 last:最后 next:下一个 current:当前 past:过去 future:未来 total:总 average:平均
maximum:最大 minimum:最小 red:红色 blue:蓝色 green:绿色 white:白色 black:黑色 yellow:黄色 quiet:安静 loud:吵闹
clean:干净 empty:空 full:满 free:免费 open:开放 closed:关闭 safe:安全 digital:数字 paper:纸质 indoor:室内
outdoor:室外 foreign:外国 central:中央 northern:北方 southern:南方 eastern:东部 western:西部 fresh:新鲜 sweet:甜
sour:酸 salty:咸 spicy:辣 heavy:重 light:轻 deep:深 wide:宽 narrow:窄 round:圆 flat:平 soft:软 hard:硬 bright:明亮
dark:暗 rare:罕见 common:常见 simple:简单 complete:完整 lost:丢失 broken:损坏 urgent:紧急 secret:秘密 shared:共享
personal:个人 internal:内部 annual:年度 basic:基础 advanced:高级
""")

CITIES = _pairs("""
Beijing:北京 Shanghai:上海 Guangzhou:广州 Shenzhen:深圳 Chengdu:成都 Hangzhou:杭州 Wuhan:武汉 Nanjing:南京
Xi'an:西安 Suzhou:苏州 Tianjin:天津 Chongqing:重庆 Qingdao:青岛 Dalian:大连 Xiamen:厦门 Kunming:昆明 Harbin:哈尔滨
Changsha:长沙 Zhengzhou:郑州 Jinan:济南 Lhasa:拉萨 Guilin:桂林 Sanya:三亚 Urumqi:乌鲁木齐 Hefei:合肥 London:伦敦
Paris:巴黎 Berlin:柏林 Madrid:马德里 Rome:罗马 Vienna:维也纳 Prague:布拉格 Warsaw:华沙 Lisbon:里斯本 Dublin:都柏林
Oslo:奥斯陆 Stockholm:斯德哥尔摩 Helsinki:赫尔辛基 Athens:雅典 Moscow:莫斯科 Tokyo:东京 Osaka:大阪 Kyoto:京都
Seoul:首尔 Bangkok:曼谷 Singapore:新加坡 Hanoi:河内 Manila:马尼拉 Jakarta:雅加达 Delhi:德里 Mumbai:孟买 Dubai:迪拜
Cairo:开罗 Nairobi:内罗毕 Lagos:拉各斯 Sydney:悉尼 Melbourne:墨尔本 Auckland:奥克兰 Toronto:多伦多 Vancouver:温哥华
Boston:波士顿 Chicago:芝加哥 Seattle:西雅图 Denver:丹佛 Houston:休斯敦 Miami:迈阿密 New_York:纽约 Lima:利马
Bogota:波哥大 Santiago:圣地亚哥 Havana:哈瓦那 Munich:慕尼黑 Hamburg:汉堡 Geneva:日内瓦 Zurich:苏黎世 Milan:米兰
Venice:威尼斯 Florence:佛罗伦萨 Barcelona:巴塞罗那 Lyon:里昂 Brussels:布鲁塞尔 Amsterdam:阿姆斯特丹
""")

GIVEN_EN = listed("""
Anna Ben Carla David Emma Frank Grace Henry Iris Jack Karen Leo Maria Nora Oscar Paul Quinn Rosa Sam Tina Uma Victor
Wendy Xavier Yara Zoe Alice Bob Clara Daniel Elena Felix George Hannah Ivan Julia Kevin Laura Marco Nina Olga Peter
Rachel Simon Teresa Hugo Lily Max Ella Tom Lucy Mark Jane Eric Amy Luke Sara Adam Ruth Noah Mia Owen Ivy Omar Lena
Ravi Priya Kenji Yuki Chen Wei Ali Fatima
""")
FAMILY_EN = listed("""
Smith Brown Miller Davis Wilson Moore Taylor Clark Lewis Walker Hall Young King Wright Hill Green Baker Adams Nelson
Carter Mitchell Turner Parker Collins Edwards Stewart Morris Rogers Cook Morgan Bell Murphy Bailey Cooper Ward Gray
James Watson Brooks Kelly Price Bennett Wood Ross Henderson Coleman Jenkins Perry Powell Long Foster Garcia Lopez
Kim Park Tanaka Sato Singh Kumar Novak Rossi Weber
""")
FAMILY_ZH = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
GIVEN_ZH = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国文斌宇浩然子轩欣怡梦琪雨涵诗晨晓东志强海燕春梅小红玉兰佳"
    "颖思远一鸣嘉豪天宇若曦俊熙雪莹婷婷博文雅琴永康立新"
)
ROADS_EN = listed("""
Oak Maple Cedar Lake River Hill Park Church Mill Station Market King Queen Garden Bridge Spring Sunset Harbor Forest
Castle Elm Pine
""")
ROAD_KINDS_EN = listed("""
Street Road Avenue Lane Drive Square Court
""")
ROADS_ZH = listed("""
人民 中山 解放 建设 和平 新华 长江 黄河 学院 湖滨 花园 东风 胜利 文化 南京 北京 光明 友谊 青年 工业 海滨 春风 龙井
莲花 石板 梧桐
""")
COLORS = _pairs("""
red:红色 blue:蓝色 green:绿色 yellow:黄色 black:黑色 white:白色 purple:紫色 orange:橙色 pink:粉色 grey:灰色
brown:棕色 silver:银色 gold:金色
""")
LANGUAGES = _pairs("""
English:英语 Chinese:中文 French:法语 German:德语 Spanish:西班牙语 Italian:意大利语 Japanese:日语 Korean:韩语
Russian:俄语 Arabic:阿拉伯语 Portuguese:葡萄牙语 Dutch:荷兰语 Thai:泰语 Hindi:印地语 Greek:希腊语 Turkish:土耳其语
""")
CURRENCIES = _pairs("""
USD:美元 EUR:欧元 CNY:人民币 JPY:日元 GBP:英镑 KRW:韩元 AUD:澳元 CAD:加元 CHF:瑞士法郎 HKD:港币
""")
DISHES = _pairs("""
noodles:面条 dumplings:饺子 fried_rice:炒饭 hot_pot:火锅 tomato_soup:番茄汤 roast_duck:烤鸭 apple_pie:苹果派
pancake:煎饼 salad:沙拉 pizza:披萨 sandwich:三明治 beef_stew:炖牛肉 spring_rolls:春卷 tofu:豆腐 curry:咖喱
omelette:煎蛋 ice_cream:冰淇淋 burger:汉堡 milk_tea:奶茶 lemonade:柠檬水
""")
WORDS_EN = listed("""
the a an of and or to in on at for with from by about into over after before is are was be been has have had will
would can could may should must do does did not no yes this that these those it its they them their he she his her
we our you your I me my who what which when where why how many much some any all each every other another same both
only also just very too more most less least few than then now soon today tomorrow yesterday morning noon afternoon
evening night again please thanks thank sorry sure okay hello hi bye need want like would help tell say ask know
think see look use using used make made take give go come put let keep seem feel try call work left right here there
up down out off back away if because so but while until since though between under above near far next last first
second third one two three four five six seven eight nine ten eleven twelve twenty thirty hundred thousand million
half quarter double good bad nice great fine well best better wrong true false null string integer boolean object
array type properties required description enum default items format minimum maximum pattern value values field
fields form record entry result results status ok error request reply response data info detail details list item id
code key name title label kind level mode option options optional query keyword term topic content body subject text
input output source target origin destination start end begin finish amount total quantity count limit offset page
per unit scale rate score rank priority category tag group owner sender receiver recipient email phone address city
country region zone language date time day hour minute duration interval deadline year month week Monday Tuesday
Wednesday Thursday Friday Saturday Sunday January February March April May June July August September October
November December The A It This If What How Please Can Could I You We They There Here Yes No Thank Sorry Which When
Where Who Get Set Add Find Book Send Create Delete Update Search Check Show List Open Close Turn None Each Every All
Write Fill Use Choose Give Answer Only Read Name Number Text From To For In On At And Or But So Then Now True False
New Old my your our function parameters arguments tools tool call names items numbers readings form forms service
services action actions skill record task answer write written suits fits suitable available desk help helper
assistant user system exactly repeat copy echo digits JSON keys order list message page price budget weight distance
cost height latitude longitude link url mobile telephone serial reference tracking account identifier people members
attendees tags topics keywords departure arrival locale mode level style kind type urgent public insured detailed
notify gift wrap lives likes costs bought works reads saw bit cannot nothing something anything everything possible
forecast convert calculate add subtract multiply divide sum difference product power root square factorial prime
random choice dice coin password uuid hash md5 sha256 base64 encode decode timezone timestamp weekday leap age bmi
tip loan interest rate payment monthly yearly area volume radius width height depth angle sine cosine mean median
mode variance deviation temperature humidity weather city country capital population stock price exchange recipe
ingredient calorie movie director actor song artist celsius fahrenheit kilometer kilometre meter metre mile kilogram
gram pound liter litre percent degree degrees dollar dollars euro yuan
""")


def all_english() -> list[str]:
    """Every English word and phrase of these tables."""
    pairs = THINGS + QUALITIES + CITIES + COLORS + LANGUAGES + CURRENCIES + DISHES
    names = GIVEN_EN + FAMILY_EN + ROADS_EN + ROAD_KINDS_EN
    return [word for group, _ in ACTIONS for word in group] + [en for en, _ in pairs] + names + WORDS_EN
