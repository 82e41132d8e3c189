"""Units of measure: their names in Chinese and English, and what they are worth in one another."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit: what it measures, and its worth in that dimension's base unit."""

    dimension: str
    worth: Decimal


def _units() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for line in _TABLE.strip().splitlines():
        dimension, worth, names = line.split("|")
        for name in names.split(","):
            table[name.strip().casefold()] = Unit(dimension.strip(), Decimal(worth.strip()))
    return table


# dimension | worth in the base unit | names. Counters of one line mean the same: 12人 = 12名.
_TABLE = """
length | 1000 | 公里,千米,km,kilometer,kilometers,kilometre,kilometres
length | 1 | 米,公尺,m,meter,meters,metre,metres
length | 0.1 | 分米,dm
length | 0.01 | 厘米,公分,cm,centimeter,centimeters,centimetre,centimetres
length | 0.001 | 毫米,公厘,mm,millimeter,millimeters,millimetre,millimetres
length | 0.000001 | 微米,μm,micrometer,micrometers
length | 0.000000001 | 纳米,奈米,nm,nanometer,nanometers
length | 500 | 里,华里
length | 1609.344 | 英里,哩,mile,miles,mi
length | 0.3048 | 英尺,呎,ft,foot,feet
length | 0.0254 | 英寸,英吋,吋,寸,inch,inches
length | 0.9144 | 码,yard,yards
length | 1852 | 海里,浬,nautical mile,nautical miles
length | 9460730472580800 | 光年,light year,light years,light-years,light-year
area | 1000000 | 平方公里,平方千米,km2,km²,square kilometer,square kilometers,sq km
area | 1000000 | square kilometre,square kilometres
area | 1 | 平方米,平方公尺,平米,平,m2,m²,square meter,square meters,square metre,square metres
area | 10000 | 公顷,hectare,hectares,ha
area | 666.666666667 | 亩
area | 4046.8564224 | 英亩,acre,acres
area | 2589988.110336 | 平方英里,平方哩,square mile,square miles,sq mi
area | 0.09290304 | 平方英尺,平方呎,square foot,square feet,sq ft
volume | 1 | 立方米,立方公尺,m3,m³,cubic meter,cubic meters,cubic metre,cubic metres
volume | 0.001 | 升,公升,liter,liters,litre,litres,l
volume | 0.000001 | 毫升,ml,milliliter,milliliters
volume | 0.003785411784 | 加仑,gallon,gallons
volume | 0.158987294928 | 桶,barrel,barrels
mass | 1000000 | 吨,公吨,tonne,tonnes,metric ton,metric tons
mass | 907184.74 | ton,tons,short ton,short tons
mass | 1000 | 公斤,千克,kg,kilogram,kilograms,kilo,kilos
mass | 500 | 斤
mass | 50 | 两重
mass | 1 | 克,g,gram,grams
mass | 0.001 | 毫克,mg,milligram,milligrams
mass | 453.59237 | 磅,lb,lbs,pound weight
mass | 28.349523125 | 盎司,ounce,ounces,oz
time | 1 | 秒,秒钟,second,seconds,sec,secs,s
time | 0.001 | 毫秒,ms,millisecond,milliseconds
time | 60 | 分钟,minute,minutes,min,mins
time | 3600 | 小时,个小时,钟头,hour,hours,hr,hrs,h
time | 86400 | 天,日,day,days
time | 604800 | 周,星期,个星期,礼拜,week,weeks
months | 1 | 个月,月,month,months
months | 3 | 季度,quarter,quarters
months | 12 | 年,载,year,years,yr,yrs
months | 120 | decade,decades
months | 1200 | 世纪,century,centuries
decade | 1 | 年代
century | 1 | 世纪之
age | 1 | 岁,周岁,years old,year-old,years-old
percent | 1 | %,percent,per cent,pct,％,个百分点,百分点,percentage points,percentage point
percent | 0.1 | ‰
yuan | 1 | 元,人民币,元人民币,块,圆,yuan,cny,rmb
usd | 1 | 美元,美金,dollars,dollar,usd
usd | 0.01 | cents,cent,美分
euro | 1 | 欧元,euro,euros,eur
pound | 1 | 英镑,pounds,pound,gbp
yen | 1 | 日元,日圆,yen,jpy
hkd | 1 | 港元,港币,hkd
twd | 1 | 新台币,台币,twd
franc | 1 | 法郎,francs,franc
ruble | 1 | 卢布,rubles,rouble
rupee | 1 | 卢比,rupees,rupee
won | 1 | 韩元,韩圜
temperature | 1 | ℃,°c,摄氏度,度,degrees celsius,°,degrees,degree
fahrenheit | 1 | °f,华氏度,degrees fahrenheit
power | 1 | 瓦,w,watt,watts
power | 1000 | 千瓦,kw,kilowatt,kilowatts
power | 1000000 | 兆瓦,mw,megawatt,megawatts
power | 1000000000 | 吉瓦,gw,gigawatt,gigawatts
horsepower | 1 | 马力,匹马力,hp,horsepower
energy | 1 | kwh,千瓦时,度电
voltage | 1 | 伏,伏特,v,volt,volts
voltage | 1000 | 千伏,kv
current | 1 | 安培,a,amp,amps
current | 0.001 | ma,毫安
frequency | 1 | 赫兹,赫,hz
frequency | 1000 | 千赫,khz
frequency | 1000000 | 兆赫,mhz
frequency | 1000000000 | 吉赫,ghz
bytes | 1 | 字节,byte,bytes
bytes | 1024 | kb
bytes | 1048576 | mb,兆字节
bytes | 1073741824 | gb
bytes | 1099511627776 | tb
speed | 1 | 公里/小时,km/h,kph,公里每小时,千米每小时
speed | 3.6 | m/s,米/秒,米每秒
speed | 1.609344 | mph,英里/小时,miles per hour
pressure | 1 | 帕,pa
pressure | 1000 | 千帕,kpa
pressure | 1000000 | 兆帕,mpa
persons | 1 | 人,名,位,口,people,persons,person
houses | 1 | 家,所,间,座,栋,幢
vehicles | 1 | 辆,部,台,架,艘,列
times | 1 | 次,回,遍,趟,times
fold | 1 | 倍,倍数,fold
things | 1 | 个,種,种,类,件,项,条,只,头,支,款,张,份,根,颗,棵,株,块钱,枚,把,幅,匹
households | 1 | 户
rank | 1 | 届,期,号,级,等,代,世,回合,楼,层,楼层,集,季,章,卷,册,页,篇,首,分,场,局,盘,轮,球
"""

UNITS = _units()
_CJK_NAMES = sorted(
    (name for name in UNITS if re.match(r"[\u4e00-\u9fff]", name)), key=len, reverse=True
)
_LATIN_NAMES = sorted((name for name in UNITS if name not in _CJK_NAMES), key=len, reverse=True)
_PATTERN = re.compile(
    r"\s?(?:(?P<cjk>" + "|".join(map(re.escape, _CJK_NAMES)) + r")"
    r"|-?(?P<latin>" + "|".join(map(re.escape, _LATIN_NAMES)) + r")(?![a-z0-9]))",
    re.IGNORECASE,
)
CURRENCY_SIGNS = {
    "$": "usd",
    "us$": "usd",
    "hk$": "hkd",
    "nt$": "twd",
    "¥": "yuan",
    "€": "euro",
    "£": "pound",
}


def unit_at(text: str, start: int) -> tuple[str, Unit, int] | None:
    """Return the name and worth of the unit that begins at ``start``, and where it ends."""
    found = _PATTERN.match(text, start)
    if found is None:
        return None
    name = (found["cjk"] or found["latin"]).casefold()
    if (
        name in ("s", "a", "l", "m", "g", "h", "v", "w", "t")
        and text[found.start() : found.start() + 1] == "-"
    ):
        return None
    return name, UNITS[name], found.end()
